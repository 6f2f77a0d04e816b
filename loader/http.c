#include "http.h"

#include <library/string.h>

/* UEFI 2.10, 11.6 and 29.6, which gnu-efi's headers do not have. */
struct service_binding {
    EFI_STATUS(EFIAPI *create_child)(struct service_binding *service, EFI_HANDLE *child);
    EFI_STATUS(EFIAPI *destroy_child)(struct service_binding *service, EFI_HANDLE child);
};

enum http_method { HTTP_GET = 0, HTTP_HEAD = 5 };
enum http_status { HTTP_OK = 3, HTTP_NOT_FOUND = 21 };
enum { HTTP_VERSION_11 = 1 };

struct http_access_point {
    BOOLEAN use_default;
    EFI_IPv4_ADDRESS address, mask;
    UINT16 port;
};

struct http_configuration {
    UINT32 version;
    UINT32 timeout; /* ms */
    BOOLEAN is_ipv6;
    struct http_access_point *access_point;
};

struct http_header {
    CHAR8 *name, *value;
};

struct http_request {
    UINT32 method;
    CHAR16 *url;
};

struct http_response {
    UINT32 status;
};

struct http_message {
    union {
        struct http_request *request;
        struct http_response *response;
    } data;
    UINTN header_count;
    struct http_header *headers;
    UINTN body_length;
    void *body;
};

struct http_token {
    EFI_EVENT event;
    EFI_STATUS status;
    struct http_message *message;
};

struct http_protocol {
    void *get_mode_data;
    EFI_STATUS(EFIAPI *configure)(struct http_protocol *http, struct http_configuration *how);
    EFI_STATUS(EFIAPI *request)(struct http_protocol *http, struct http_token *token);
    EFI_STATUS(EFIAPI *cancel)(struct http_protocol *http, struct http_token *token);
    EFI_STATUS(EFIAPI *response)(struct http_protocol *http, struct http_token *token);
    EFI_STATUS(EFIAPI *poll)(struct http_protocol *http);
};

#define LENGTH_UNKNOWN UINT64_MAX

/* One request under way: a child of the service's, which is one connection. */
struct exchange {
    EFI_HANDLE child;
    struct http_protocol *http;
    EFI_EVENT event;
    volatile bool signalled;
    UINTN content_length;
};

static EFI_GUID service_guid = {
    0xbdc8e6af, 0xd9bc, 0x4379, {0xa7, 0x2a, 0xe0, 0xc4, 0xe7, 0x5d, 0xae, 0x1c}};
static EFI_GUID http_guid = {
    0x7a59b29b, 0x910b, 0x4171, {0x82, 0x42, 0xa8, 0x5a, 0x0d, 0xf2, 0x5b, 0x5b}};

struct http_server *http_find(void)
{
    static EFI_GUID path_guid = EFI_DEVICE_PATH_PROTOCOL_GUID;
    static struct http_server server;
    const size_t path_limit = 4096; /* bytes; it has an end of its own */
    EFI_DEVICE_PATH *path = firmware_protocol(firmware.loaded_image->DeviceHandle, &path_guid);
    EFI_DEVICE_PATH *rest = path;
    EFI_HANDLE card;

    if (!path || net_boot_uri_read(path, path_limit, &server.loader) != 0 ||
        net_boot_host(server.loader.uri, server.host, sizeof server.host) != 0 ||
        EFI_ERROR(firmware.boot->LocateDevicePath(&service_guid, &rest, &card)))
        return NULL;
    net_boot_folder(server.loader.uri, server.folder);
    server.service = firmware_protocol(card, &service_guid);
    return server.service ? &server : NULL;
}

/* ---- one exchange ---- */

static void EFIAPI exchange_signal(EFI_EVENT event, void *context)
{
    (void)event;
    ((struct exchange *)context)->signalled = true;
}

static EFI_STATUS exchange_configure(const struct http_server *server, struct exchange *exchange)
{
    static const uint8_t none[4];
    const UINT32 timeout = 10000; /* ms */
    struct http_access_point point = {.use_default = !memcmp(server->loader.address, none, 4)};
    struct http_configuration how = {HTTP_VERSION_11, timeout, FALSE, &point};

    memcpy(&point.address, server->loader.address, sizeof point.address);
    memcpy(&point.mask, server->loader.mask, sizeof point.mask);
    return exchange->http->configure(exchange->http, &how);
}

static void exchange_end(const struct http_server *server, struct exchange *exchange)
{
    if (exchange->event)
        firmware.boot->CloseEvent(exchange->event);
    if (exchange->child)
        server->service->destroy_child(server->service, exchange->child);
}

static EFI_STATUS exchange_begin(const struct http_server *server, struct exchange *exchange)
{
    EFI_STATUS status = server->service->create_child(server->service, &exchange->child);

    if (EFI_ERROR(status)) {
        exchange->child = NULL;
        return status;
    }
    exchange->http = firmware_protocol(exchange->child, &http_guid);
    if (!exchange->http)
        return EFI_UNSUPPORTED;
    status = exchange_configure(server, exchange);
    if (EFI_ERROR(status))
        return status;
    return firmware.boot->CreateEvent(EVT_NOTIFY_SIGNAL, TPL_CALLBACK, exchange_signal, exchange,
                                      &exchange->event);
}

/* The firmware has patience of its own; this is for one that forgets. */
static EFI_STATUS token_wait(struct exchange *exchange, struct http_token *token)
{
    const unsigned step = 100, patience = 60 * 1000 * 1000; /* microseconds */

    for (unsigned waited = 0; !exchange->signalled; waited += step) {
        if (waited >= patience) {
            exchange->http->cancel(exchange->http, token);
            return EFI_TIMEOUT;
        }
        exchange->http->poll(exchange->http);
        if (!exchange->signalled)
            firmware.boot->Stall(step);
    }
    exchange->signalled = false;
    return token->status;
}

static EFI_STATUS request_send(const struct http_server *server, struct exchange *exchange,
                               enum http_method method, const char *uri)
{
    static CHAR16 wide[NET_BOOT_PATH_MAX];
    struct http_header host = {(CHAR8 *)"Host", (CHAR8 *)server->host};
    struct http_request request = {method, wide};
    struct http_message message = {{.request = &request}, 1, &host, 0, NULL};
    struct http_token token = {exchange->event, EFI_NOT_READY, &message};
    size_t i = 0;
    EFI_STATUS status;

    do
        wide[i] = (CHAR16)uri[i];
    while (uri[i++]);
    status = exchange->http->request(exchange->http, &token);
    return EFI_ERROR(status) ? status : token_wait(exchange, &token);
}

static char lower(char character)
{
    return character >= 'A' && character <= 'Z' ? (char)(character + 'a' - 'A') : character;
}

static bool is_content_length(const CHAR8 *name)
{
    static const char wanted[] = "content-length";
    size_t i = 0;

    while (wanted[i] && lower((char)name[i]) == wanted[i])
        i++;
    return !wanted[i] && !name[i];
}

/* Takes what the headers say, and gives them back. */
static void headers_take(struct exchange *exchange, struct http_message *message)
{
    for (UINTN i = 0; i < message->header_count; i++) {
        struct http_header *header = &message->headers[i];

        if (is_content_length(header->name)) {
            exchange->content_length = 0;
            for (const CHAR8 *at = header->value; *at >= '0' && *at <= '9'; at++)
                exchange->content_length = exchange->content_length * 10 + (*at - '0');
        }
        firmware.boot->FreePool(header->name);
        firmware.boot->FreePool(header->value);
    }
    if (message->headers)
        firmware.boot->FreePool(message->headers);
}

/* The first answer, which has the headers; a part of the body may come with it. */
static EFI_STATUS response_begin(struct exchange *exchange, void *memory, uint64_t *size)
{
    struct http_response response = {0};
    struct http_message message = {{.response = &response}, 0, NULL, *size, memory};
    struct http_token token = {exchange->event, EFI_NOT_READY, &message};
    EFI_STATUS status = exchange->http->response(exchange->http, &token);

    if (!EFI_ERROR(status))
        status = token_wait(exchange, &token);
    headers_take(exchange, &message);
    *size = message.body_length;
    if (response.status == HTTP_NOT_FOUND)
        return EFI_NOT_FOUND;
    if (!EFI_ERROR(status) && response.status != HTTP_OK)
        return HTTP_ERROR;
    return status;
}

static EFI_STATUS response_go_on(struct exchange *exchange, uint8_t *memory, uint64_t offset,
                                 uint64_t size)
{
    while (offset < size) {
        struct http_message message = {{.response = NULL}, 0, NULL, size - offset, memory + offset};
        struct http_token token = {exchange->event, EFI_NOT_READY, &message};
        EFI_STATUS status = exchange->http->response(exchange->http, &token);

        if (!EFI_ERROR(status))
            status = token_wait(exchange, &token);
        if (EFI_ERROR(status))
            return status;
        if (message.body_length == 0 || message.body_length > size - offset)
            return EFI_END_OF_FILE;
        offset += message.body_length;
    }
    return EFI_SUCCESS;
}

/* *size: how much of the body is wanted, and how long the file is. */
static EFI_STATUS fetch(struct http_server *server, enum http_method method, const char *path,
                        void *memory, uint64_t *size)
{
    static char uri[NET_BOOT_PATH_MAX];
    struct exchange exchange = {.content_length = LENGTH_UNKNOWN};
    uint64_t got = *size;
    EFI_STATUS status;

    if (net_boot_path(server->folder, path, uri) != 0)
        return EFI_INVALID_PARAMETER;
    status = exchange_begin(server, &exchange);
    if (!EFI_ERROR(status))
        status = request_send(server, &exchange, method, uri);
    if (!EFI_ERROR(status))
        status = response_begin(&exchange, memory, &got);
    if (!EFI_ERROR(status) && method == HTTP_GET)
        status = response_go_on(&exchange, memory, got, *size);
    exchange_end(server, &exchange);
    *size = exchange.content_length;
    return status;
}

EFI_STATUS http_size(struct http_server *server, const char *path, uint64_t *size)
{
    EFI_STATUS status;

    *size = 0;
    status = fetch(server, HTTP_HEAD, path, NULL, size);
    return !EFI_ERROR(status) && *size == LENGTH_UNKNOWN ? EFI_PROTOCOL_ERROR : status;
}

EFI_STATUS http_read(struct http_server *server, const char *path, void *memory, uint64_t size)
{
    uint64_t length = size;
    EFI_STATUS status = fetch(server, HTTP_GET, path, memory, &length);

    return !EFI_ERROR(status) && length != size && length != LENGTH_UNKNOWN ? EFI_END_OF_FILE
                                                                            : status;
}
