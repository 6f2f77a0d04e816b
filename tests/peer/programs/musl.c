/* musl: a dynamic program for musl's loader: threads, thread-local storage, dlopen of itself. */
#include <dlfcn.h>
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static __thread int own = 1;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int sum;

static void *add(void *number)
{
    pthread_mutex_lock(&mutex);
    sum += (int)(long)number * own++;
    pthread_mutex_unlock(&mutex);
    return NULL;
}

int main(int count, char **arguments)
{
    pthread_t threads[10];

    for (int i = 0; i < count; i++)
        printf("%d: %s\n", i, i ? arguments[i] : strrchr(arguments[0], '/') + 1);
    for (long i = 0; i < 10; i++)
        pthread_create(&threads[i], NULL, add, (void *)i);
    for (int i = 0; i < 10; i++)
        pthread_join(threads[i], NULL);
    printf("sum %d, own %d, sqrt %.6f\n", sum, own, sqrt((double)sum));
    void *self = dlopen(NULL, RTLD_NOW);
    printf("dlopen: %s, %s\n", self ? "self" : "no", dlsym(self, "malloc") ? "malloc" : "no");
    printf("getenv: %s\n", getenv("PEER") ? getenv("PEER") : "not set");
    fflush(stdout);
    if (fork() == 0) {
        printf("child\n");
        exit(3);
    }
    int status;
    wait(&status);
    printf("status %d\n", WEXITSTATUS(status));
    return 4;
}
