/**
 * The PCI bus and the bridges of an Intel 440FX board: [PCI], PCI SIG, "PCI Local Bus
 * Specification", 3.0; [82441FX], Intel, "440FX PCIset 82441FX and 82442FX", 290549-001; [PIIX3],
 * Intel, "82371SB PCI ISA IDE Xcelerator", 290550-002; [PIIX4], Intel, "82371AB PCI-to-ISA / IDE
 * Xcelerator", 290562-001.
 */
package sharevm.machine.chip.pci;
