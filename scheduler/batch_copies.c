/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory of ours with the audited copies of a guest's privileged batches. Called by workload.c and shadow_context.c, without the scheduler's lock. */
#include "scheduler/scheduler_internal.h"

void batch_copies_free(struct sched_client *client, struct batch_copies *copies)
{
    if (copies->buffer.host) {
        __atomic_sub_fetch(&client->batch_bytes, copies->buffer.size, __ATOMIC_RELAXED);
        driver_buffer_finish(client->scheduler->driver, &copies->buffer);
    }
    audit_finish(&copies->audit);
}

void batches_show(const struct sched_client *client, const struct audit *audit)
{
    for (unsigned i = 0; client->ops->submits && i < audit->batches->len; i++) {
        const struct audit_batch *batch = g_ptr_array_index(audit->batches, i);
        if (batch->gma != UINT64_MAX)
            client->ops->submits(client->guest, true, batch->gma, batch->dwords, batch->used ? batch->used : batch->fetched);
    }
}

bool batch_copies_place(struct sched_client *client, struct batch_copies *copies, struct audit *audit, uint32_t *dwords, GError **error)
{
    size_t size = audit_size(audit);

    batches_show(client, audit);
    copies->audit = *audit;
    *audit = (struct audit){0};
    if (!size)
        return true;
    if (!driver_buffer_init(client->scheduler->driver, &copies->buffer, size, true, error))
        return false;
    sched_client_note(client, SCHED_QUOTA_BATCH_BYTES, __atomic_add_fetch(&client->batch_bytes, copies->buffer.size, __ATOMIC_RELAXED));
    audit_place(&copies->audit, copies->buffer.host, copies->buffer.gma, dwords);
    return true;
}
