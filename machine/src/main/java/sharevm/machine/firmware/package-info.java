/**
 * What stands in a PC's memory before the first guest instruction: kernels put there by their boot
 * protocols, ACPI and SMBIOS tables, the memory map, and the services of the firmware.
 *
 * <p>Sections are cited by these keys: [BOOT] the Linux/x86 boot protocol
 * (Documentation/arch/x86/boot.rst of Linux), [ZEROPAGE] zero-page.rst beside it, [ELF] the System
 * V ABI's object file chapter, [MULTIBOOT] the Multiboot Specification 0.6.96, [PVH] Xen's x86/HVM
 * direct boot ABI, [ACPI] the ACPI specification 6.5, [SMBIOS] DSP0134 3.7, [LZ4] the LZ4 frame and
 * block formats, [FWCFG] docs/specs/fw_cfg.rst of QEMU.
 */
package sharevm.machine.firmware;
