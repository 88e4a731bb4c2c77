/**
 * The clock and its battery-backed memory: an MC146818A as in [MC146818A], Motorola, "MC146818A
 * Real-Time Clock plus RAM", 1984, with 114 bytes of RAM as in the PC/AT.
 */
package sharevm.machine.chip.rtc146818;
