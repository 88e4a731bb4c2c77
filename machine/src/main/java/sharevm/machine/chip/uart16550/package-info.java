/**
 * The serial port: a 16550A as in [PC16550D], National Semiconductor, "PC16550D Universal
 * Asynchronous Receiver/Transmitter with FIFOs", June 1995.
 */
package sharevm.machine.chip.uart16550;
