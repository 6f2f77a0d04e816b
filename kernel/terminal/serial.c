/*
 * serial.c: the 16550 UART behind COM1 to COM4 (National Semiconductor,
 * PC16550D data sheet, section 8 "Registers").
 */
#include "terminal/serial.h"

#include <asm/errno.h>
#include <asm/ioctls.h>
#include <asm/termios.h>
#include <linux/major.h>

#include "cpu/clock.h"
#include "cpu/interrupt_controller.h"
#include "cpu/log.h"
#include "cpu/registers.h"
#include "cpu/spinlock.h"
#include "library/error.h"
#include "library/string.h"
#include "memory/user_copy.h"
#include "terminal/screen_terminal.h"
#include "terminal/terminal.h"
#include "thread/timer.h"

/* Registers, as offsets from the port's base. */
enum {
    UART_DATA = 0,             /* receive buffer, transmit holding register */
    UART_DIVISOR_LOW = 0,      /* with LINE_CONTROL_DIVISOR */
    UART_DIVISOR_HIGH = 1,     /* with LINE_CONTROL_DIVISOR */
    UART_INTERRUPT_ENABLE = 1, /* INTERRUPT_* */
    UART_INTERRUPT = 2,        /* read: which one; INTERRUPT_NONE */
    UART_FIFO_CONTROL = 2,     /* write only */
    UART_LINE_CONTROL = 3,
    UART_MODEM_CONTROL = 4,
    UART_LINE_STATUS = 5,
    UART_MODEM_STATUS = 6,
    UART_SCRATCH = 7,
};

#define FIFO_ENABLE           0x01
#define FIFO_CLEAR            0x06 /* both directions */
#define FIFO_TRIGGER_14       0xc0 /* interrupt at 14 of 16 bytes, or a pause */
#define LINE_CONTROL_8N1      0x03
#define LINE_CONTROL_DIVISOR  0x80
#define MODEM_READY           0x03 /* DTR and RTS */
#define MODEM_OUT2            0x08 /* gates the interrupt line on a PC */
#define MODEM_PROGRAMS        0x17 /* what programs may set: DTR, RTS, OUT1, loop */
#define LINE_DATA_READY       0x01
#define LINE_BREAK            0x10
#define LINE_ERRORS           0x9e /* overrun, parity, framing, break; one in the FIFO */
#define LINE_TRANSMIT_EMPTY   0x20 /* the transmit FIFO has room for all it can hold */
#define LINE_IDLE             0x40 /* …and the last bit is out */
#define LINE_NOTHING          0xff /* what a port that was taken away reads as */
#define INTERRUPT_RECEIVED    0x01
#define INTERRUPT_TRANSMITTED 0x02
#define INTERRUPT_LINE_STATUS 0x04
#define INTERRUPT_NONE        0x01 /* in UART_INTERRUPT */
#define INTERRUPT_REASON      0x0e /* in UART_INTERRUPT: which one */
#define INTERRUPT_TRIGGER     0x04 /* as many bytes as FIFO_TRIGGER_14 says */

#define UART_FIFO_SIZE    16
#define UART_FIFO_TRIGGER 14
#define DIVISOR_115200    1

/* How long a full FIFO may take before a byte is given up: at 115200 baud it takes 1.4 ms. */
#define TRANSMIT_PATIENCE NANOSECONDS_PER_SECOND

/* What is done at most with interrupts off before others have a turn. */
#define TRANSMIT_ROUNDS  4  /* FIFOs filled at once */
#define RECEIVE_BYTES    64 /* taken from a port at once */
#define INTERRUPT_ROUNDS 32 /* times that all ports of an interrupt are looked at */

/* In a stream of input, readers are woken after this time (ns) or for that many bytes. */
#define STREAM_PAUSE    500000
#define STREAM_GATHERED (LINE_INPUT_SIZE / 2)

struct serial_port {
    uint16_t base; /* first I/O port; constant */
    uint8_t irq;   /* constant */
    bool present;  /* written at start-up */

    /* The transmitter, which the log and the terminal share. With interrupts off, taken under
       the terminal's lock and under the log's. */
    struct spinlock lock;
    bool stuck;    /* the log's last wait for it ran out; lock */
    uint8_t modem; /* what MODEM_CONTROL holds; lock */
    unsigned room; /* bytes the FIFO still takes unasked; lock */
    bool mid_line; /* what the terminal sent last was not a newline; lock */

    struct terminal terminal;
    uint8_t interrupts; /* what INTERRUPT_ENABLE holds; terminal's lock; atomic to read */
    bool sending;       /* somebody fills the FIFO; terminal's lock */
    bool holding;       /* the line's buffer is full: bytes stay in the port; terminal's lock */
    uint8_t kept[RECEIVE_BYTES]; /* …but for these, which were read already; terminal's lock */
    unsigned kept_count;
    struct timer wake_timer;
    bool wake_armed; /* terminal's lock */
    bool shown;      /* output goes to the screen, too; written at boot */
};

static struct serial_port ports[SERIAL_PORT_COUNT] = {
    {.base = 0x3f8, .irq = 4},
    {.base = 0x2f8, .irq = 3},
    {.base = 0x3e8, .irq = 4},
    {.base = 0x2e8, .irq = 3},
};

/* A missing port reads as 0xff; two values that the scratch register keeps tell a real one. */
static bool port_detect(uint16_t base)
{
    static const uint8_t patterns[] = {0x5a, 0xa5};

    for (size_t i = 0; i < array_length(patterns); i++) {
        port_write8(base + UART_SCRATCH, patterns[i]);
        if (port_read8(base + UART_SCRATCH) != patterns[i])
            return false;
    }
    return true;
}

static void port_program(struct serial_port *port)
{
    uint16_t base = port->base;

    port->modem = MODEM_READY | MODEM_OUT2;
    port_write8(base + UART_INTERRUPT_ENABLE, 0);
    port_write8(base + UART_LINE_CONTROL, LINE_CONTROL_DIVISOR);
    port_write8(base + UART_DIVISOR_LOW, DIVISOR_115200);
    port_write8(base + UART_DIVISOR_HIGH, 0);
    port_write8(base + UART_LINE_CONTROL, LINE_CONTROL_8N1);
    port_write8(base + UART_FIFO_CONTROL, FIFO_ENABLE | FIFO_CLEAR | FIFO_TRIGGER_14);
    port_write8(base + UART_MODEM_CONTROL, port->modem);
}

/*
 * Waits until the FIFO is empty. A transmitter that does not drain (a broken or
 * unplugged device) is waited for once; from then on it is only looked at, so
 * that a bad port slows the kernel by one wait and not by one a byte.
 */
static bool log_transmit_wait(struct serial_port *port)
{
    uint64_t patience = clock_patience(port->stuck ? 0 : TRANSMIT_PATIENCE);
    bool late = false;

    while (!late) {
        late = clock_patience_over(patience); /* and one look more */
        if (port_read8(port->base + UART_LINE_STATUS) & LINE_TRANSMIT_EMPTY) {
            port->stuck = false;
            port->room = UART_FIFO_SIZE;
            return true;
        }
        cpu_relax();
    }
    port->stuck = true;
    return false;
}

static void log_transmit(struct serial_port *port, char byte)
{
    if (port->room == 0 && !log_transmit_wait(port))
        return;
    port->room--;
    port_write8(port->base + UART_DATA, byte);
}

/* After a panic nobody else runs, but the lock may be held by one who was stopped. */
static bool log_lock(struct serial_port *port)
{
    return log_in_panic() ? interrupts_save() : spinlock_acquire_save(&port->lock);
}

static void log_unlock(struct serial_port *port, bool enabled)
{
    if (log_in_panic())
        interrupts_restore(enabled);
    else
        spinlock_release_restore(&port->lock, enabled);
}

static void serial_log_write(struct log_sink *sink, const char *text, size_t size)
{
    struct serial_port *port = &ports[0];

    (void)sink;
    bool enabled = log_lock(port);

    /* Others may have filled the FIFO since: begin with a look, and on a line of its own. */
    port->room = 0;
    if (port->mid_line) {
        log_transmit(port, '\r');
        log_transmit(port, '\n');
        port->mid_line = false;
    }
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '\n')
            log_transmit(port, '\r');
        log_transmit(port, text[i]);
    }
    log_unlock(port, enabled);
}

static struct log_sink serial_sink = {
    .write = serial_log_write,
};

void serial_log_initialize(void)
{
    struct serial_port *port = &ports[0];

    port->present = port_detect(port->base);
    if (!port->present)
        return;
    port_program(port);
    log_sink_add(&serial_sink);
}

/* ---- terminals: all under the terminal's lock unless a line says otherwise ---- */

static struct serial_port *port_of(struct terminal *terminal)
{
    return container_of(terminal, struct serial_port, terminal);
}

static void interrupts_want(struct serial_port *port, uint8_t interrupts)
{
    if (interrupts == port->interrupts)
        return;
    __atomic_store_n(&port->interrupts, interrupts, __ATOMIC_RELEASE);
    port_write8(port->base + UART_INTERRUPT_ENABLE, interrupts);
}

/* Fills the FIFO, with at least one byte, if it is empty. */
static bool fifo_fill(struct serial_port *port, const uint8_t *bytes, size_t size)
{
    if (!port->present)
        return true;
    spinlock_acquire(&port->lock);
    bool empty = port_read8(port->base + UART_LINE_STATUS) & LINE_TRANSMIT_EMPTY;

    for (size_t i = 0; empty && i < size; i++)
        port_write8(port->base + UART_DATA, bytes[i]);
    if (empty)
        port->mid_line = bytes[size - 1] != '\n';
    spinlock_release(&port->lock);
    return empty;
}

/*
 * Sends one FIFO's worth. False: it is not empty yet, or there is nothing to
 * send. Lets go of the terminal's lock meanwhile: a port is slow, and who wants
 * the lock would wait with interrupts off.
 */
static bool transmit_round(struct serial_port *port)
{
    struct terminal *terminal = &port->terminal;
    uint8_t bytes[UART_FIFO_SIZE];
    uint32_t position = terminal->output_tail;
    size_t size = terminal_output_peek(terminal, bytes, sizeof(bytes));

    if (size == 0)
        return false;
    spinlock_release(&terminal->lock);
    bool sent = fifo_fill(port, bytes, size);
    spinlock_acquire(&terminal->lock);
    if (!sent)
        return false;
    /* Unless the output was flushed just now. */
    if (terminal->output_tail == position)
        terminal_output_consume(terminal, size);
    if (port->shown)
        screen_terminal_write(terminal, bytes, size);
    return true;
}

/*
 * Sends what the FIFO takes now; the transmitter's interrupt is on only while
 * there is more. One at a time: who comes second leaves it to the first.
 */
static void port_start(struct terminal *terminal)
{
    struct serial_port *port = port_of(terminal);
    unsigned rounds = port->present ? TRANSMIT_ROUNDS : TERMINAL_OUTPUT_SIZE;

    if (port->sending)
        return;
    port->sending = true;
    while (rounds-- && transmit_round(port))
        ;
    port->sending = false;
    if (!port->present)
        return;
    if (terminal_output_ready(terminal))
        interrupts_want(port, port->interrupts | INTERRUPT_TRANSMITTED);
    else
        interrupts_want(port, port->interrupts & ~INTERRUPT_TRANSMITTED);
}

/*
 * Wakes readers: at once when the line fell silent (fewer bytes than the FIFO's
 * trigger came, as when a person types) or much has gathered; in the midst of a
 * stream a little later, so that not every FIFO's worth costs a switch of threads.
 */
static void wake_readers(struct serial_port *port, unsigned received)
{
    if (received < UART_FIFO_TRIGGER || line_readable(&port->terminal.line) > STREAM_GATHERED) {
        terminal_wake_readers(&port->terminal);
    } else if (!port->wake_armed) {
        port->wake_armed = true;
        timer_arm(&port->wake_timer, clock_now() + STREAM_PAUSE);
    }
}

static void wake_timer_expired(struct timer *timer)
{
    struct serial_port *port = container_of(timer, struct serial_port, wake_timer);

    bool enabled = terminal_lock(&port->terminal);

    port->wake_armed = false;
    terminal_wake_readers(&port->terminal);
    terminal_unlock(&port->terminal, enabled);
}

/* What one look at the port's receiver found. */
struct received {
    uint8_t bytes[RECEIVE_BYTES];
    unsigned count;
    bool broken; /* a break came behind the bytes */
};

/*
 * Reads bytes from the port: only its interrupt does that, and without a lock.
 * The first `sure` bytes are known to be there and in order.
 */
static void port_read(struct serial_port *port, unsigned sure, struct received *received)
{
    while (received->count < RECEIVE_BYTES && !received->broken) {
        uint8_t status =
            received->count < sure ? LINE_DATA_READY : port_read8(port->base + UART_LINE_STATUS);

        if (status == LINE_NOTHING || !(status & LINE_DATA_READY))
            break;
        received->bytes[received->count] = port_read8(port->base + UART_DATA);
        received->broken = status & LINE_BREAK;
        received->count += !received->broken;
    }
}

/*
 * Gives bytes to the line. What it does not accept is kept, and the port is not
 * read until there is room: its FIFO makes the other side wait.
 */
static void port_deliver(struct serial_port *port, const struct received *received)
{
    struct terminal *terminal = &port->terminal;
    size_t taken = terminal_input_locked(terminal, received->bytes, received->count);

    if (received->broken)
        line_input_break(&terminal->line);
    if (taken < received->count) {
        port->kept_count = received->count - taken;
        memcpy(port->kept, received->bytes + taken, port->kept_count);
    }
    if (taken < received->count || !line_accepts(&terminal->line)) {
        port->holding = true;
        interrupts_want(port, port->interrupts & ~INTERRUPT_RECEIVED);
        terminal_wake_readers(terminal);
    } else {
        wake_readers(port, received->count);
    }
}

static void port_discard(struct terminal *terminal)
{
    port_of(terminal)->kept_count = 0;
}

static void port_resume(struct terminal *terminal)
{
    struct serial_port *port = port_of(terminal);

    if (!port->holding)
        return;
    size_t taken = terminal_input_locked(terminal, port->kept, port->kept_count);

    port->kept_count -= taken;
    memmove(port->kept, port->kept + taken, port->kept_count);
    terminal_wake_readers(terminal);
    if (port->kept_count || !line_accepts(&terminal->line))
        return;
    port->holding = false;
    interrupts_want(port, port->interrupts | INTERRUPT_RECEIVED);
}

/* ---- modem lines: ioctl_tty(2), "Modem control" ---- */

/* Bits of a register, and what ioctl(2) calls them. */
struct modem_line {
    uint8_t bit;
    int name;
};
static const struct modem_line modem_outputs[] = {
    {0x01, TIOCM_DTR},        {0x02, TIOCM_RTS},  {0x04, TIOCM_OUT1},
    {MODEM_OUT2, TIOCM_OUT2}, {0x10, TIOCM_LOOP},
};
static const struct modem_line modem_inputs[] = {
    {0x10, TIOCM_CTS},
    {0x20, TIOCM_DSR},
    {0x40, TIOCM_RNG},
    {0x80, TIOCM_CAR},
};

static int modem_names(const struct modem_line *lines, size_t count, uint8_t bits)
{
    int names = 0;

    for (size_t i = 0; i < count; i++)
        names |= bits & lines[i].bit ? lines[i].name : 0;
    return names;
}

static uint8_t modem_bits(int names)
{
    uint8_t bits = 0;

    for (size_t i = 0; i < array_length(modem_outputs); i++)
        bits |= names & modem_outputs[i].name ? modem_outputs[i].bit : 0;
    return bits;
}

static ssize_t modem_get(struct serial_port *port, vaddr_t to)
{
    bool enabled = spinlock_acquire_save(&port->lock);
    uint8_t outputs = port->modem, inputs = port_read8(port->base + UART_MODEM_STATUS);

    spinlock_release_restore(&port->lock, enabled);
    int names = modem_names(modem_outputs, array_length(modem_outputs), outputs) |
                modem_names(modem_inputs, array_length(modem_inputs), inputs);
    return user_put(to, &names);
}

/* Interrupts stay gated through: OUT2 is the kernel's. */
static ssize_t modem_set(struct serial_port *port, unsigned command, vaddr_t from)
{
    int names;

    if (user_get(&names, from))
        return -EFAULT;
    if (!port->present)
        return -EIO;
    uint8_t bits = modem_bits(names) & MODEM_PROGRAMS;
    bool enabled = spinlock_acquire_save(&port->lock);
    port->modem = command == TIOCMBIS   ? port->modem | bits
                  : command == TIOCMBIC ? port->modem & ~bits
                                        : (port->modem & ~MODEM_PROGRAMS) | bits;
    port_write8(port->base + UART_MODEM_CONTROL, port->modem);
    spinlock_release_restore(&port->lock, enabled);
    return 0;
}

static ssize_t port_ioctl(struct terminal *terminal, struct file *file, unsigned command,
                          vaddr_t argument)
{
    struct serial_port *port = port_of(terminal);

    (void)file;
    switch (command) {
    case TIOCMGET:
        return port->present ? modem_get(port, argument) : -EIO;
    case TIOCMSET:
    case TIOCMBIS:
    case TIOCMBIC:
        return modem_set(port, command, argument);
    default:
        return -ENOTTY;
    }
}

/* Bytes that come while nobody has the terminal open stay where they are: with the sender. */
static int port_open(struct terminal *terminal)
{
    struct serial_port *port = port_of(terminal);

    if (!port->present)
        return 0;
    bool enabled = terminal_lock(terminal);

    interrupts_want(port, port->interrupts | INTERRUPT_RECEIVED | INTERRUPT_LINE_STATUS);
    terminal_unlock(terminal, enabled);
    return 0;
}

static void port_close(struct terminal *terminal)
{
    struct serial_port *port = port_of(terminal);

    bool enabled = terminal_lock(terminal);

    line_flush(&terminal->line);
    port->holding = false;
    port->kept_count = 0;
    if (port->present)
        interrupts_want(port, port->interrupts & INTERRUPT_TRANSMITTED);
    terminal_unlock(terminal, enabled);
}

static bool port_drained(struct terminal *terminal)
{
    struct serial_port *port = port_of(terminal);

    return !port->present || port_read8(port->base + UART_LINE_STATUS) & LINE_IDLE;
}

static const struct terminal_device serial_device = {
    .open = port_open,
    .close = port_close,
    .start = port_start,
    .discard = port_discard,
    .resume = port_resume,
    .drained = port_drained,
    .ioctl = port_ioctl,
};

/* ---- interrupts ---- */

/* Deals with what a port wants now. False: nothing. */
static bool port_serve(struct serial_port *port)
{
    struct received received = {0};
    uint8_t reason = port->present ? port_read8(port->base + UART_INTERRUPT) : INTERRUPT_NONE;

    if (reason & INTERRUPT_NONE)
        return false;
    /* This read also takes back an interrupt for a line's status. */
    uint8_t status = port_read8(port->base + UART_LINE_STATUS);
    bool trigger = (reason & INTERRUPT_REASON) == INTERRUPT_TRIGGER && !(status & LINE_ERRORS);

    if (__atomic_load_n(&port->interrupts, __ATOMIC_ACQUIRE) & INTERRUPT_RECEIVED)
        port_read(port, trigger ? UART_FIFO_TRIGGER : 0, &received);
    bool enabled = terminal_lock(&port->terminal);

    if (received.count || received.broken)
        port_deliver(port, &received);
    if (terminal_output_ready(&port->terminal) || port->interrupts & INTERRUPT_TRANSMITTED)
        port_start(&port->terminal);
    terminal_unlock(&port->terminal, enabled);
    return true;
}

/* Makes a port that still wants something raise its line anew. */
static void port_raise_again(struct serial_port *port)
{
    if (!port->present)
        return;
    bool enabled = terminal_lock(&port->terminal);

    port_write8(port->base + UART_INTERRUPT_ENABLE, 0);
    port_write8(port->base + UART_INTERRUPT_ENABLE, port->interrupts);
    terminal_unlock(&port->terminal, enabled);
}

/*
 * Two ports share an interrupt that is signalled by an edge: the line must have
 * been seen low, or the next edge never comes. So they are all looked at until
 * none wants anything; if that does not end soon, the edge is made by hand, and
 * the interrupt comes again after whatever else was waiting.
 */
static void serial_interrupt(void *context, struct trap_frame *frame)
{
    uint8_t irq = (uintptr_t)context;

    (void)frame;
    for (unsigned round = 0; round < INTERRUPT_ROUNDS; round++) {
        bool served = false;

        for (size_t i = 0; i < SERIAL_PORT_COUNT; i++)
            served |= ports[i].irq == irq && port_serve(&ports[i]);
        if (!served)
            return;
    }
    for (size_t i = 0; i < SERIAL_PORT_COUNT; i++) {
        if (ports[i].irq == irq)
            port_raise_again(&ports[i]);
    }
}

/* ---- start ---- */

#define MINOR_SERIAL 64 /* ttyS0; Linux, Documentation/admin-guide/devices.txt */

void serial_initialize(void)
{
    static const char *const names[SERIAL_PORT_COUNT] = {"ttyS0", "ttyS1", "ttyS2", "ttyS3"};
    static const uint8_t irqs[] = {3, 4};

    for (size_t i = 0; i < SERIAL_PORT_COUNT; i++) {
        struct serial_port *port = &ports[i];

        terminal_initialize(&port->terminal, names[i], TTY_MAJOR, MINOR_SERIAL + i, &serial_device);
        timer_initialize(&port->wake_timer, wake_timer_expired);
        /* The log's port was found and programmed at the very beginning. */
        if (i == 0)
            continue;
        port->present = port_detect(port->base);
        if (port->present)
            port_program(port);
    }
    for (size_t i = 0; i < array_length(irqs); i++) {
        int error =
            interrupt_connect_isa(irqs[i], "ttyS", serial_interrupt, (void *)(uintptr_t)irqs[i]);

        if (error)
            log_write(LOG_WARNING, "serial ports: no interrupt %u: %s", irqs[i], error_text(error));
    }
}

struct terminal *serial_terminal(unsigned number)
{
    return &ports[number].terminal;
}

bool serial_present(unsigned number)
{
    return ports[number].present;
}

void serial_show_on_screen(unsigned number)
{
    ports[number].shown = true;
}
