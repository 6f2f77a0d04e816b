/*
 * virtual_map.h: SetVirtualAddressMap (UEFI 2.11, 8.4.1), which nothing here needs: for who
 * wants to see whether a firmware survives it (the option `virtualmap`, with `audit` or `report`).
 */
#ifndef BATON_FIRMWARE_RECORD_VIRTUAL_MAP_H
#define BATON_FIRMWARE_RECORD_VIRTUAL_MAP_H

/*
 * Has the firmware move to other addresses, calls it a second time, which has to be refused, and
 * then the services again; all of it is recorded (P7). From then on the services run there, if the
 * firmware moved. At boot, once, by a thread, after runtime_services_initialize().
 */
void runtime_services_move(void);

#endif
