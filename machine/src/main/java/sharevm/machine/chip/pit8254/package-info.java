/**
 * The interval timer: an 8254 as in [82C54], Intel, "82C54 CHMOS Programmable Interval Timer",
 * 231244-006, and the PC's port 61h around it.
 */
package sharevm.machine.chip.pit8254;
