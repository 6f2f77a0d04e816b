/* loader: dlopen(3) and its kin: a library beside the program, libm, one that is not there. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>

typedef int add_function(int, int);
typedef double cosine_function(double);

static void *add_in_thread(void *add)
{
    printf("thread: %d\n", ((add_function *)add)(1, 2)); /* thread-local storage starts afresh */
    return NULL;
}

int main(void)
{
    pthread_t thread;

    void *plugin = dlopen("/peer/plugin.so", RTLD_NOW);
    if (!plugin) {
        printf("dlopen: %s\n", dlerror());
        return 1;
    }
    add_function *add = (add_function *)dlsym(plugin, "plugin_add");
    int *calls = dlsym(plugin, "plugin_calls");
    printf("main: %d\n", add(1, 2));
    printf("main: %d\n", add(1, 2));
    pthread_create(&thread, NULL, add_in_thread, (void *)add);
    pthread_join(thread, NULL);
    printf("calls: %d\n", *calls);
    printf("dlsym: %s\n", dlsym(plugin, "nosuch") ? "found" : "not found");
    dlclose(plugin);

    void *mathematics = dlopen("libm.so.6", RTLD_LAZY);
    cosine_function *cosine = (cosine_function *)dlsym(mathematics, "cos");
    printf("cos: %.3f\n", cosine(0));
    printf("dlopen: %s\n", dlopen("libnosuch.so", RTLD_NOW) ? "found" : dlerror());
    return 0;
}
