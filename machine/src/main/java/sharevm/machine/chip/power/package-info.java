/**
 * Power and reset: the fixed hardware of [ACPI], UEFI Forum, "Advanced Configuration and Power
 * Interface Specification", 6.5, and the reset and A20 ports of [PIIX3], Intel, "82371SB PCI ISA
 * IDE Xcelerator", 290550-002.
 */
package sharevm.machine.chip.power;
