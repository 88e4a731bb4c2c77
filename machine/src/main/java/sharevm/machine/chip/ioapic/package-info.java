/**
 * The interrupt controller for devices: an I/O APIC as in [82093AA], Intel, "82093AA I/O Advanced
 * Programmable Interrupt Controller", 290566-001, with the EOI register of later ones, [ICH9],
 * Intel, "I/O Controller Hub 9 Family Datasheet", 316972-004.
 */
package sharevm.machine.chip.ioapic;
