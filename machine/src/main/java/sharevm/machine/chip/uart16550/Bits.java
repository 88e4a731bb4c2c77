package sharevm.machine.chip.uart16550;

/** Registers and bits in the data sheet's words. */
final class Bits {
  /**
   * Receiver Buffer (read), Transmitter Holding (write); Divisor Latch LS with DLAB. @ref
   * [PC16550D] "Registers"
   */
  static final int DATA = 0;

  /**
   * Interrupt Enable Register (IER); Divisor Latch MS with DLAB. @ref [PC16550D] "Interrupt Enable
   * Register"
   */
  static final int INTERRUPT_ENABLE = 1;

  /**
   * Interrupt Identification Register (IIR, read). @ref [PC16550D] "Interrupt Identification
   * Register"
   */
  static final int INTERRUPT_IDENTIFICATION = 2;

  /** FIFO Control Register (FCR, write). @ref [PC16550D] "FIFO Control Register" */
  static final int FIFO_CONTROL = 2;

  /** Line Control Register (LCR). @ref [PC16550D] "Line Control Register" */
  static final int LINE_CONTROL = 3;

  /** Modem Control Register (MCR). @ref [PC16550D] "Modem Control Register" */
  static final int MODEM_CONTROL = 4;

  /** Line Status Register (LSR). @ref [PC16550D] "Line Status Register" */
  static final int LINE_STATUS = 5;

  /** Modem Status Register (MSR). @ref [PC16550D] "Modem Status Register" */
  static final int MODEM_STATUS = 6;

  /** Scratchpad Register (SCR). @ref [PC16550D] "Scratchpad Register" */
  static final int SCRATCHPAD = 7;

  /** IER: Enable Received Data Available Interrupt (and, with FIFOs, timeout interrupts). */
  static final int IER_RECEIVED_DATA = 1;

  /** IER: Enable Transmitter Holding Register Empty Interrupt. */
  static final int IER_TRANSMITTER_EMPTY = 1 << 1;

  /** IER: Enable Receiver Line Status Interrupt. */
  static final int IER_LINE_STATUS = 1 << 2;

  /** IER: Enable MODEM Status Interrupt. */
  static final int IER_MODEM_STATUS = 1 << 3;

  /** IIR: no interrupt is pending. */
  static final int IIR_NONE = 0x01;

  /** IIR: Receiver Line Status, the highest priority. */
  static final int IIR_LINE_STATUS = 0x06;

  /** IIR: Received Data Available, second priority. */
  static final int IIR_RECEIVED_DATA = 0x04;

  /** IIR: Character Timeout Indication, second priority. */
  static final int IIR_TIMEOUT = 0x0C;

  /** IIR: Transmitter Holding Register Empty, third priority. */
  static final int IIR_TRANSMITTER_EMPTY = 0x02;

  /** IIR: MODEM Status, fourth priority. */
  static final int IIR_MODEM_STATUS = 0x00;

  /** IIR: both set when the FIFOs are enabled. */
  static final int IIR_FIFOS = 0xC0;

  /** FCR: FIFO Enable. */
  static final int FCR_ENABLE = 1;

  /** FCR: RCVR FIFO Reset, clears itself. */
  static final int FCR_RECEIVER_RESET = 1 << 1;

  /** FCR: XMIT FIFO Reset, clears itself. */
  static final int FCR_TRANSMITTER_RESET = 1 << 2;

  /** FCR: RCVR Trigger, bits 6 and 7. */
  static final int FCR_TRIGGER_SHIFT = 6;

  /** LCR: Word Length Select, bits 0 and 1: 5 to 8 bits. */
  static final int LCR_WORD_LENGTH = 3;

  /** LCR: Number of Stop Bits. */
  static final int LCR_STOP_BITS = 1 << 2;

  /** LCR: Parity Enable. */
  static final int LCR_PARITY = 1 << 3;

  /** LCR: Divisor Latch Access Bit (DLAB). */
  static final int LCR_DIVISOR_LATCH = 1 << 7;

  /** MCR: Data Terminal Ready. */
  static final int MCR_DTR = 1;

  /** MCR: Request To Send. */
  static final int MCR_RTS = 1 << 1;

  /** MCR: Out 1. */
  static final int MCR_OUT1 = 1 << 2;

  /** MCR: Out 2; on the PC it connects the chip's interrupt to the bus. */
  static final int MCR_OUT2 = 1 << 3;

  /** MCR: Loop, the local loopback for diagnostics. */
  static final int MCR_LOOP = 1 << 4;

  /** LSR: Data Ready. */
  static final int LSR_DATA_READY = 1;

  /** LSR: Overrun Error. */
  static final int LSR_OVERRUN = 1 << 1;

  /** LSR: Break Interrupt. */
  static final int LSR_BREAK = 1 << 4;

  /** LSR: Parity Error, Framing Error and Break Interrupt: they travel with a character. */
  static final int LSR_CHARACTER_ERRORS = 0x1C;

  /** LSR: Transmitter Holding Register Empty. */
  static final int LSR_HOLDING_EMPTY = 1 << 5;

  /** LSR: Transmitter Empty. */
  static final int LSR_TRANSMITTER_EMPTY = 1 << 6;

  /** LSR: Error in RCVR FIFO. */
  static final int LSR_FIFO_ERROR = 1 << 7;

  /** MSR: Clear To Send. */
  static final int MSR_CTS = 1 << 4;

  /** MSR: Data Set Ready. */
  static final int MSR_DSR = 1 << 5;

  /** MSR: Ring Indicator. */
  static final int MSR_RING = 1 << 6;

  /** MSR: Data Carrier Detect. */
  static final int MSR_CARRIER = 1 << 7;

  /** MSR: Trailing Edge Ring Indicator, one of the four delta bits 0 to 3. */
  static final int MSR_TRAILING_RING = 1 << 2;

  private Bits() {}
}
