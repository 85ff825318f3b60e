/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ELF note that makes an image start by PVH (Xen public/elfnote.h: XEN_ELFNOTE_PHYS32_ENTRY). Left out of guests that test the other entry. */
    .section .note.Xen, "a", @note
    .balign 4
    .long 4, 4, 18
    .asciz "Xen"
    .long start32
    .section .note.GNU-stack, "", @progbits
