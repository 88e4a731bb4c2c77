/**
 * The interrupt controllers of the PC/AT: two 8259A as in [8259A], Intel, "8259A Programmable
 * Interrupt Controller", 231468-003, and the edge/level registers of [PIIX3], Intel, "82371SB PCI
 * ISA IDE Xcelerator", 290550-002.
 */
package sharevm.machine.chip.pic8259;
