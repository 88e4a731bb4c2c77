/**
 * The interrupt controller in each processor, as in [SDM3], Intel, "64 and IA-32 Architectures
 * Software Developer's Manual", Volume 3A, chapter "Advanced Programmable Interrupt Controller
 * (APIC)"; sections are counted within chapter 11, as in the editions of 2023.
 */
package sharevm.machine.chip.apic;
