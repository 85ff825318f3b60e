/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The error domain of vmm/. */
#include "vmm/error.h"

G_DEFINE_QUARK(vmm-error, vmm_error)
