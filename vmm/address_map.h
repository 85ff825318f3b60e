/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who answers at an address: one map for MMIO and one for I/O ports. Devices and PCI BARs add windows; vCPU threads access.
 *
 * Threads: every function may be called from any thread. No lock is held while a window's functions run, so they may move windows; an
 * access that looked its window up just before a move still reaches the window, as one in flight does on a real bus.
 */
#ifndef MEDIANT_VMM_ADDRESS_MAP_H
#define MEDIANT_VMM_ADDRESS_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct address_map;

/* offset is relative to the window, and offset + len is within it. */
struct address_ops {
    void (*read)(void *opaque, uint64_t offset, void *data, size_t len);
    void (*write)(void *opaque, uint64_t offset, const void *data, size_t len);
};

#define ADDRESS_NOWHERE UINT64_MAX

struct address_map *address_map_create(void);
void address_map_destroy(struct address_map *map); /* NULL is allowed */

/*
 * Adds a window of size bytes at start (ADDRESS_NOWHERE: not visible yet). Returns its id, the lowest that is free; where windows overlap, that of the lower id
 * answers. ops and opaque must outlive the window, and the accesses that are in flight when it is removed.
 */
unsigned address_map_add(struct address_map *map, uint64_t start, uint64_t size, const struct address_ops *ops, void *opaque);
void address_map_remove(struct address_map *map, unsigned id);
void address_map_move(struct address_map *map, unsigned id, uint64_t start);

/* Where nobody answers, reads give all ones and writes are dropped. An access that crosses windows is split. */
void address_map_read(struct address_map *map, uint64_t addr, void *data, size_t len);
void address_map_write(struct address_map *map, uint64_t addr, const void *data, size_t len);

#ifdef __cplusplus
}
#endif
#endif
