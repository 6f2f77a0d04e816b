// exceptions: C++ exceptions in and across threads, with Debian's libstdc++.
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <exception>
#include <future>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

struct counted {
    static std::atomic<int> alive;
    counted() { alive++; }
    ~counted() { alive--; }
};
std::atomic<int> counted::alive;

struct failure : std::runtime_error {
    int number;
    failure(int number) : std::runtime_error("failure " + std::to_string(number)), number(number) {}
};

static thread_local std::string own = "fresh";

[[noreturn]] static void deep(int levels)
{
    counted here;
    if (levels == 0)
        throw failure(42);
    deep(levels - 1);
}

static void unwinding()
{
    try {
        deep(1000);
    } catch (const failure &caught) {
        std::cout << caught.what() << ", alive " << counted::alive << '\n';
    }
    try {
        try {
            deep(3);
        } catch (...) {
            std::throw_with_nested(std::logic_error("outer"));
        }
    } catch (const std::logic_error &caught) {
        try {
            std::rethrow_if_nested(caught);
        } catch (const std::exception &inner) {
            std::cout << caught.what() << " of " << inner.what() << '\n';
        }
    }
}

static void across_threads()
{
    std::vector<std::exception_ptr> caught(8);
    std::vector<std::thread> threads;
    int sum = 0;

    for (int i = 0; i < 8; i++)
        threads.emplace_back([&caught, i] {
            own += std::to_string(i);
            try {
                for (int round = 0; round < 50; round++)
                    try {
                        deep(round);
                    } catch (const failure &) {
                    }
                throw failure(i);
            } catch (...) {
                caught[i] = std::current_exception();
            }
        });
    for (auto &thread : threads)
        thread.join();
    for (auto &pointer : caught)
        try {
            std::rethrow_exception(pointer);
        } catch (const failure &failed) {
            sum += failed.number;
        }
    std::cout << "sum " << sum << ", alive " << counted::alive << ", " << own << '\n';
}

static void futures()
{
    auto value = std::async(std::launch::async, [] { return std::string("value"); });
    auto broken = std::async(std::launch::async, []() -> int { throw failure(7); });
    std::promise<int> promise;
    auto promised = promise.get_future();

    std::thread([&promise] {
        promise.set_exception(std::make_exception_ptr(std::out_of_range("promised")));
    }).join();
    std::cout << value.get() << '\n';
    try {
        broken.get();
    } catch (const failure &caught) {
        std::cout << caught.what() << '\n';
    }
    try {
        promised.get();
    } catch (const std::exception &caught) {
        std::cout << caught.what() << '\n';
    }
}

static void condition_variables()
{
    std::mutex mutex;
    std::condition_variable turn;
    std::ostringstream said;
    int next = 0;
    std::vector<std::thread> threads;

    for (int i = 0; i < 6; i++)
        threads.emplace_back([&, i] {
            std::unique_lock<std::mutex> lock(mutex);
            turn.wait(lock, [&] { return next == i; });
            said << i << ' ';
            next++;
            turn.notify_all();
        });
    for (auto &thread : threads)
        thread.join();
    std::cout << said.str() << '\n';
}

static void library_throws()
{
    std::map<int, std::string> map;

    try {
        map.at(1);
    } catch (const std::out_of_range &) {
        std::cout << "out_of_range\n";
    }
    try {
        std::vector<char> large(std::vector<char>().max_size() + 1);
    } catch (const std::length_error &) {
        std::cout << "length_error\n";
    }
    try {
        std::unique_ptr<char[]> large(new char[std::size_t(1) << 62]);
    } catch (const std::bad_alloc &) {
        std::cout << "bad_alloc\n";
    }
}

int main(int count, char **)
{
    unwinding();
    across_threads();
    futures();
    condition_variables();
    library_throws();
    if (count > 1)
        throw failure(1); // nobody catches it: SIGABRT
}
