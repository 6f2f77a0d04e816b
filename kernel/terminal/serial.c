/*
 * serial.c: the 16550 UART behind COM1 to COM4 (National Semiconductor,
 * PC16550D data sheet, section 8 "Registers").
 */
#include "terminal/serial.h"

#include "cpu/log.h"
#include "cpu/registers.h"

/* Registers, as offsets from the port's base. */
enum {
    UART_DATA = 0,             /* receive buffer, transmit holding register */
    UART_DIVISOR_LOW = 0,      /* with LINE_CONTROL_DIVISOR */
    UART_DIVISOR_HIGH = 1,     /* with LINE_CONTROL_DIVISOR */
    UART_INTERRUPT_ENABLE = 1, /* INTERRUPT_* */
    UART_FIFO_CONTROL = 2,     /* write only */
    UART_LINE_CONTROL = 3,
    UART_MODEM_CONTROL = 4,
    UART_LINE_STATUS = 5,
    UART_SCRATCH = 7,
};

#define FIFO_ENABLE          0x01
#define FIFO_CLEAR           0x06 /* both directions */
#define FIFO_TRIGGER_8       0x80 /* interrupt at 8 of 16 bytes, or a pause */
#define LINE_CONTROL_8N1     0x03
#define LINE_CONTROL_DIVISOR 0x80
#define MODEM_READY          0x03 /* DTR and RTS */
#define MODEM_OUT2           0x08 /* gates the interrupt line on a PC */
#define LINE_TRANSMIT_EMPTY  0x20 /* the transmit FIFO has room for all it can hold */

#define UART_FIFO_SIZE 16
#define DIVISOR_115200 1

/*
 * How often the line status is read before a byte is given up. A read of an ISA
 * port takes about a microsecond, a full FIFO at 115200 baud 1.4 ms.
 */
#define TRANSMIT_PATIENCE 100000

struct serial_port {
    uint16_t base;     /* first I/O port; constant */
    bool present;      /* written at start-up */
    bool stuck;        /* the last wait for the transmitter ran out; log's lock */
    unsigned log_room; /* bytes the FIFO still takes unasked; log's lock */
};

static struct serial_port ports[SERIAL_PORT_COUNT] = {
    {.base = 0x3f8},
    {.base = 0x2f8},
    {.base = 0x3e8},
    {.base = 0x2e8},
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

static void port_program(uint16_t base)
{
    port_write8(base + UART_INTERRUPT_ENABLE, 0);
    port_write8(base + UART_LINE_CONTROL, LINE_CONTROL_DIVISOR);
    port_write8(base + UART_DIVISOR_LOW, DIVISOR_115200);
    port_write8(base + UART_DIVISOR_HIGH, 0);
    port_write8(base + UART_LINE_CONTROL, LINE_CONTROL_8N1);
    port_write8(base + UART_FIFO_CONTROL, FIFO_ENABLE | FIFO_CLEAR | FIFO_TRIGGER_8);
    port_write8(base + UART_MODEM_CONTROL, MODEM_READY | MODEM_OUT2);
}

/*
 * Waits until the FIFO is empty. A transmitter that does not drain (a broken or
 * unplugged device) is waited for once; from then on it is only looked at, so
 * that a bad port slows the kernel by one wait and not by one a byte.
 */
static bool log_transmit_wait(struct serial_port *port)
{
    unsigned patience = port->stuck ? 1 : TRANSMIT_PATIENCE;

    while (patience--) {
        if (port_read8(port->base + UART_LINE_STATUS) & LINE_TRANSMIT_EMPTY) {
            port->stuck = false;
            port->log_room = UART_FIFO_SIZE;
            return true;
        }
        cpu_relax();
    }
    port->stuck = true;
    return false;
}

static void log_transmit(struct serial_port *port, char byte)
{
    if (port->log_room == 0 && !log_transmit_wait(port))
        return;
    port->log_room--;
    port_write8(port->base + UART_DATA, byte);
}

static void serial_log_write(struct log_sink *sink, const char *text, size_t size)
{
    struct serial_port *port = &ports[0];

    (void)sink;
    /* Others may have filled the FIFO since: begin with a look. */
    port->log_room = 0;
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '\n')
            log_transmit(port, '\r');
        log_transmit(port, text[i]);
    }
}

static struct log_sink serial_sink = {
    .write = serial_log_write,
    .level = LOG_DEBUG,
};

void serial_log_initialize(void)
{
    struct serial_port *port = &ports[0];

    port->present = port_detect(port->base);
    if (!port->present)
        return;
    port_program(port->base);
    log_sink_add(&serial_sink);
}
