package sharevm.machine.chip.uart16550;

import static sharevm.machine.chip.uart16550.Bits.DATA;
import static sharevm.machine.chip.uart16550.Bits.FCR_ENABLE;
import static sharevm.machine.chip.uart16550.Bits.FCR_RECEIVER_RESET;
import static sharevm.machine.chip.uart16550.Bits.FCR_TRANSMITTER_RESET;
import static sharevm.machine.chip.uart16550.Bits.FCR_TRIGGER_SHIFT;
import static sharevm.machine.chip.uart16550.Bits.FIFO_CONTROL;
import static sharevm.machine.chip.uart16550.Bits.IER_LINE_STATUS;
import static sharevm.machine.chip.uart16550.Bits.IER_MODEM_STATUS;
import static sharevm.machine.chip.uart16550.Bits.IER_RECEIVED_DATA;
import static sharevm.machine.chip.uart16550.Bits.IER_TRANSMITTER_EMPTY;
import static sharevm.machine.chip.uart16550.Bits.IIR_FIFOS;
import static sharevm.machine.chip.uart16550.Bits.IIR_LINE_STATUS;
import static sharevm.machine.chip.uart16550.Bits.IIR_MODEM_STATUS;
import static sharevm.machine.chip.uart16550.Bits.IIR_NONE;
import static sharevm.machine.chip.uart16550.Bits.IIR_RECEIVED_DATA;
import static sharevm.machine.chip.uart16550.Bits.IIR_TIMEOUT;
import static sharevm.machine.chip.uart16550.Bits.IIR_TRANSMITTER_EMPTY;
import static sharevm.machine.chip.uart16550.Bits.INTERRUPT_ENABLE;
import static sharevm.machine.chip.uart16550.Bits.INTERRUPT_IDENTIFICATION;
import static sharevm.machine.chip.uart16550.Bits.LCR_DIVISOR_LATCH;
import static sharevm.machine.chip.uart16550.Bits.LCR_PARITY;
import static sharevm.machine.chip.uart16550.Bits.LCR_STOP_BITS;
import static sharevm.machine.chip.uart16550.Bits.LCR_WORD_LENGTH;
import static sharevm.machine.chip.uart16550.Bits.LINE_CONTROL;
import static sharevm.machine.chip.uart16550.Bits.LINE_STATUS;
import static sharevm.machine.chip.uart16550.Bits.LSR_BREAK;
import static sharevm.machine.chip.uart16550.Bits.LSR_CHARACTER_ERRORS;
import static sharevm.machine.chip.uart16550.Bits.LSR_DATA_READY;
import static sharevm.machine.chip.uart16550.Bits.LSR_FIFO_ERROR;
import static sharevm.machine.chip.uart16550.Bits.LSR_HOLDING_EMPTY;
import static sharevm.machine.chip.uart16550.Bits.LSR_OVERRUN;
import static sharevm.machine.chip.uart16550.Bits.LSR_TRANSMITTER_EMPTY;
import static sharevm.machine.chip.uart16550.Bits.MCR_DTR;
import static sharevm.machine.chip.uart16550.Bits.MCR_LOOP;
import static sharevm.machine.chip.uart16550.Bits.MCR_OUT1;
import static sharevm.machine.chip.uart16550.Bits.MCR_OUT2;
import static sharevm.machine.chip.uart16550.Bits.MCR_RTS;
import static sharevm.machine.chip.uart16550.Bits.MODEM_CONTROL;
import static sharevm.machine.chip.uart16550.Bits.MODEM_STATUS;
import static sharevm.machine.chip.uart16550.Bits.MSR_CARRIER;
import static sharevm.machine.chip.uart16550.Bits.MSR_CTS;
import static sharevm.machine.chip.uart16550.Bits.MSR_DSR;
import static sharevm.machine.chip.uart16550.Bits.MSR_RING;
import static sharevm.machine.chip.uart16550.Bits.MSR_TRAILING_RING;
import static sharevm.machine.chip.uart16550.Bits.SCRATCHPAD;

import sharevm.cpu.SavedState;
import sharevm.machine.bus.BytePorts;
import sharevm.machine.bus.Clock;
import sharevm.machine.bus.InterruptLine;
import sharevm.machine.bus.Part;
import sharevm.machine.bus.Timers;
import sharevm.machine.bus.Trace;

/**
 * A serial port: eight byte registers.
 *
 * <p>Characters leave at once as long as the {@link SerialSink} takes them; when it refuses they
 * stay in the transmitter, the guest sees a busy line, and the port asks again every millisecond.
 * Input comes through {@link #receive}, as much as {@link #receiveSpace} allows; whoever has more
 * waits for the listener set with {@link #onSpace}. No method here allocates.
 */
public final class Uart16550 implements BytePorts, Part {
  /** The number of registers. */
  public static final int PORTS = 8;

  /**
   * The PC's crystal over the chip's fixed divisor of 16, in baud. @ref [PC16550D] "Programmable
   * Baud Generator"
   */
  private static final long BASE_BAUD = 115_200;

  private static final long RETRY_NANOS = Clock.SECOND / 1000;

  /**
   * Looks at an idle line after which a guest is taken to wait for input; no driver's start needs
   * so many.
   */
  private static final int IDLE_POLLS = 32;

  /** A driver that has enabled the interrupt may yet switch the FIFOs on, which empties them. */
  private static final long SETTLE_NANOS = Clock.SECOND / 50;

  private static final int[] TRIGGER_LEVELS = {1, 4, 8, 14};
  private static final int STATUS_SHIFT = 8;

  private final SerialSink sink;
  private final InterruptLine line;
  private final Timers timers;
  private final Trace trace;
  private final Timers.Timer retryTimer;
  private final Timers.Timer timeoutTimer;
  private final Timers.Timer settleTimer;
  private final Fifo receiver = new Fifo();
  private final Fifo transmitter = new Fifo();
  private Runnable spaceListener = () -> {};

  private int divisor;
  private int interruptEnable;
  private int fifoControl;
  private int lineControl;
  private int modemControl;
  private int modemDelta;
  private int scratchpad;
  private boolean overrun;
  private boolean transmitterEmptyPending;
  private boolean timeoutPending;
  private int idlePolls;

  /** Makes a port after power-on reset. */
  public Uart16550(SerialSink sink, InterruptLine line, Timers timers, Trace trace) {
    this.sink = sink;
    this.line = line;
    this.timers = timers;
    this.trace = trace;
    retryTimer = timers.timer("uart transmit", this::pump);
    timeoutTimer = timers.timer("uart timeout", this::timeout);
    settleTimer = timers.timer("uart settle", () -> spaceListener.run());
    reset();
  }

  /** Sets who is told, under the device lock, when the guest has made room for input. */
  public void onSpace(Runnable listener) {
    spaceListener = listener;
  }

  /**
   * Returns whether the guest waits for input: it has enabled the interrupt for it and the gate
   * behind, OUT2 (which tells it from a driver that only tries the register) and has set nothing
   * else up for a moment, or it looks at the line status over and over. Who has input that must not
   * be lost holds it until then, because drivers throw away what they find when they begin. Under
   * the device lock.
   */
  public boolean awaited() {
    return (interruptsAsked() && settleTimer.deadline() == Timers.NEVER) || idlePolls >= IDLE_POLLS;
  }

  private boolean interruptsAsked() {
    return (interruptEnable & IER_RECEIVED_DATA) != 0 && (modemControl & MCR_OUT2) != 0;
  }

  /** Returns how many characters {@link #receive} will take now. Under the device lock. */
  public int receiveSpace() {
    return looped() ? 0 : (fifos() ? Fifo.CAPACITY : 1) - receiver.count();
  }

  /** Receives a character from outside (0 to 255), under the device lock; dropped without space. */
  public void receive(int value) {
    if (receiveSpace() > 0) {
      accept(value & 0xFF & wordMask());
    }
  }

  /**
   * Receives a break condition from outside, under the device lock; dropped if there is no space.
   */
  public void receiveBreak() {
    if (receiveSpace() > 0) {
      accept(LSR_BREAK << STATUS_SHIFT);
    }
  }

  @Override
  public int read(int offset) {
    int value =
        switch (offset & 7) {
          case DATA -> latched() ? divisor & 0xFF : readData();
          case INTERRUPT_ENABLE -> latched() ? divisor >> 8 : interruptEnable;
          case INTERRUPT_IDENTIFICATION -> readInterruptIdentification();
          case LINE_CONTROL -> lineControl;
          case MODEM_CONTROL -> modemControl;
          case LINE_STATUS -> readLineStatus();
          case MODEM_STATUS -> readModemStatus();
          default -> scratchpad;
        };
    if (trace.on(Trace.Category.UART)) {
      trace.line(Trace.Category.UART, "read  %d -> %02x", offset, value);
    }
    return value;
  }

  @Override
  public void write(int offset, int value) {
    idlePolls = idlePolls < IDLE_POLLS || (offset & 7) == FIFO_CONTROL ? 0 : idlePolls;
    boolean asked = interruptsAsked();
    writeRegister(offset & 7, value);
    if (interruptsAsked() && (!asked || (offset & 7) == FIFO_CONTROL)) {
      settleTimer.at(timers.clock().nanos() + SETTLE_NANOS);
    }
  }

  private void writeRegister(int offset, int value) {
    if (trace.on(Trace.Category.UART)) {
      trace.line(Trace.Category.UART, "write %d <- %02x", offset, value);
    }
    switch (offset) {
      case DATA -> {
        if (latched()) {
          divisor = divisor & 0xFF00 | value;
        } else {
          transmit(value & wordMask());
        }
      }
      case INTERRUPT_ENABLE -> {
        if (latched()) {
          divisor = divisor & 0xFF | value << 8;
        } else {
          writeInterruptEnable(value & 0x0F);
        }
      }
      case FIFO_CONTROL -> writeFifoControl(value);
      case LINE_CONTROL -> lineControl = value;
      case MODEM_CONTROL -> writeModemControl(value & 0x1F);
      case SCRATCHPAD -> scratchpad = value;
      default -> {
        // The status registers are for reading; writes are for factory tests.
      }
    }
  }

  @Override
  public SavedState save() {
    return new SavedState()
        .put("divisor", divisor)
        .put("interruptEnable", interruptEnable)
        .put("fifoControl", fifoControl)
        .put("lineControl", lineControl)
        .put("modemControl", modemControl)
        .put("modemDelta", modemDelta)
        .put("scratchpad", scratchpad)
        .put("overrun", overrun)
        .put("transmitterEmptyPending", transmitterEmptyPending)
        .put("timeoutPending", timeoutPending)
        .put("idlePolls", idlePolls)
        .put("settledAt", settleTimer.deadline())
        .put("timeoutAt", timeoutTimer.deadline())
        .put("receiver", receiver.save())
        .put("transmitter", transmitter.save());
  }

  @Override
  public void restore(SavedState state) {
    divisor = state.getInt("divisor") & 0xFFFF;
    interruptEnable = state.getInt("interruptEnable") & 0x0F;
    fifoControl = state.getInt("fifoControl");
    lineControl = state.getInt("lineControl");
    modemControl = state.getInt("modemControl");
    modemDelta = state.getInt("modemDelta");
    scratchpad = state.getInt("scratchpad");
    overrun = state.getBoolean("overrun");
    transmitterEmptyPending = state.getBoolean("transmitterEmptyPending");
    timeoutPending = state.getBoolean("timeoutPending");
    settleTimer.at(state.getLong("settledAt"));
    idlePolls = Math.clamp(state.getInt("idlePolls"), 0, IDLE_POLLS);
    timeoutTimer.at(state.getLong("timeoutAt"));
    receiver.restore(state.getPart("receiver"));
    transmitter.restore(state.getPart("transmitter"));
    retryTimer.at(transmitter.isEmpty() ? Timers.NEVER : timers.clock().nanos());
  }

  /**
   * @ref [PC16550D] "UART Reset Configuration"
   */
  @Override
  public void reset() {
    divisor = 1;
    interruptEnable = 0;
    fifoControl = 0;
    lineControl = 0;
    modemControl = 0;
    modemDelta = 0;
    overrun = false;
    transmitterEmptyPending = false;
    timeoutPending = false;
    idlePolls = 0;
    receiver.clear();
    transmitter.clear();
    retryTimer.cancel();
    settleTimer.cancel();
    timeoutTimer.cancel();
    update();
  }

  private boolean latched() {
    return (lineControl & LCR_DIVISOR_LATCH) != 0;
  }

  private boolean fifos() {
    return (fifoControl & FCR_ENABLE) != 0;
  }

  private boolean looped() {
    return (modemControl & MCR_LOOP) != 0;
  }

  private int wordMask() {
    return 0xFF >> 3 - (lineControl & LCR_WORD_LENGTH);
  }

  private int readData() {
    if (receiver.isEmpty()) {
      return 0;
    }
    int value = receiver.take() & 0xFF;
    timeoutPending = false;
    startTimeout();
    update();
    if (receiver.isEmpty()) {
      spaceListener.run();
    }
    return value;
  }

  private int readInterruptIdentification() {
    int cause = cause();
    if (cause == IIR_TRANSMITTER_EMPTY) {
      transmitterEmptyPending = false;
      update();
    }
    return cause | (fifos() ? IIR_FIFOS : 0);
  }

  private int readLineStatus() {
    if (receiver.isEmpty() && transmitter.isEmpty() && idlePolls < IDLE_POLLS) {
      idlePolls++;
      if (idlePolls == IDLE_POLLS) {
        spaceListener.run();
      }
    }
    int status = lineErrors();
    if (!receiver.isEmpty()) {
      status |= LSR_DATA_READY;
    }
    if (fifos() && receiver.any(LSR_CHARACTER_ERRORS << STATUS_SHIFT)) {
      status |= LSR_FIFO_ERROR;
    }
    if (transmitter.isEmpty()) {
      status |= LSR_HOLDING_EMPTY | LSR_TRANSMITTER_EMPTY;
    }
    if (overrun || lineErrors() != 0) {
      overrun = false;
      receiver.clearFirst(LSR_CHARACTER_ERRORS << STATUS_SHIFT);
      update();
    }
    return status;
  }

  private int lineErrors() {
    int errors = overrun ? LSR_OVERRUN : 0;
    return receiver.isEmpty() ? errors : errors | receiver.peek() >> STATUS_SHIFT;
  }

  private int readModemStatus() {
    int status = modemInputs() | modemDelta;
    modemDelta = 0;
    update();
    return status;
  }

  /**
   * What the four modem inputs show: a modem that is always ready, or our own outputs in a loop.
   */
  private int modemInputs() {
    if (!looped()) {
      return MSR_CTS | MSR_DSR | MSR_CARRIER;
    }
    return ((modemControl & MCR_RTS) != 0 ? MSR_CTS : 0)
        | ((modemControl & MCR_DTR) != 0 ? MSR_DSR : 0)
        | ((modemControl & MCR_OUT1) != 0 ? MSR_RING : 0)
        | ((modemControl & MCR_OUT2) != 0 ? MSR_CARRIER : 0);
  }

  private void writeModemControl(int value) {
    int before = modemInputs();
    boolean wasLooped = looped();
    modemControl = value;
    int after = modemInputs();
    int changed = (before ^ after) >> 4 & ~MSR_TRAILING_RING;
    if ((before & ~after & MSR_RING) != 0) {
      changed |= MSR_TRAILING_RING;
    }
    modemDelta |= changed;
    update();
    if (wasLooped && !looped()) {
      pump();
      spaceListener.run();
    }
  }

  private void writeInterruptEnable(int value) {
    boolean newlyAsked = (value & ~interruptEnable & IER_TRANSMITTER_EMPTY) != 0;
    interruptEnable = value;
    if (newlyAsked && transmitter.isEmpty()) {
      transmitterEmptyPending = true;
    }
    update();
  }

  private void writeFifoControl(int value) {
    boolean switched = ((value ^ fifoControl) & FCR_ENABLE) != 0;
    // Switching clears the FIFOs; the receiver buffer's one character is in none before they are
    // enabled, and
    // drivers enable them after the interrupt that lets input come.
    boolean receiverReset = switched && fifos() || (value & FCR_RECEIVER_RESET) != 0;
    if (receiverReset) {
      receiver.clear();
      timeoutPending = false;
      timeoutTimer.cancel();
    }
    if (switched || (value & FCR_TRANSMITTER_RESET) != 0) {
      if (!transmitter.isEmpty()) {
        transmitterEmptyPending = true;
      }
      transmitter.clear();
      retryTimer.cancel();
    }
    // The other bits can be programmed only together with a 1 in bit 0.
    fifoControl =
        (value & FCR_ENABLE) != 0 ? value & ~(FCR_RECEIVER_RESET | FCR_TRANSMITTER_RESET) : 0;
    if (switched) {
      startTimeout();
    }
    update();
    if (receiverReset) {
      spaceListener.run();
    }
  }

  private void transmit(int value) {
    transmitterEmptyPending = false;
    update();
    if (looped()) {
      accept(value);
      transmitterEmptyPending = true;
    } else if (transmitter.isEmpty() && sink.offer(value)) {
      transmitterEmptyPending = true;
    } else if (transmitter.count() < (fifos() ? Fifo.CAPACITY : 1)) {
      transmitter.add(value);
      retryTimer.at(timers.clock().nanos() + RETRY_NANOS);
    } else {
      // As in the chip, a write to a full transmitter is lost.
      transmitter.replaceLast(value);
    }
    update();
  }

  private void pump() {
    if (looped() || transmitter.isEmpty()) {
      return;
    }
    while (!transmitter.isEmpty() && sink.offer(transmitter.peek())) {
      transmitter.take();
    }
    if (transmitter.isEmpty()) {
      transmitterEmptyPending = true;
      retryTimer.cancel();
      update();
    } else {
      retryTimer.at(timers.clock().nanos() + RETRY_NANOS);
    }
  }

  private void accept(int entry) {
    boolean full = receiver.count() == (fifos() ? Fifo.CAPACITY : 1);
    if (!full) {
      receiver.add(entry);
    } else {
      // Without FIFOs the new character destroys the old one, with FIFOs it is itself lost.
      overrun = true;
      if (!fifos()) {
        receiver.replaceLast(entry);
      }
    }
    startTimeout();
    update();
  }

  /**
   * The timeout counts from the last character in or out. @ref [PC16550D] "FIFO Interrupt Mode
   * Operation"
   */
  private void startTimeout() {
    if (fifos() && !receiver.isEmpty()) {
      timeoutTimer.at(timers.clock().nanos() + 4 * characterNanos());
    } else {
      timeoutTimer.cancel();
    }
  }

  private void timeout() {
    if (fifos() && !receiver.isEmpty()) {
      timeoutPending = true;
      update();
    }
  }

  private long characterNanos() {
    int bits =
        1
            + 5
            + (lineControl & LCR_WORD_LENGTH)
            + ((lineControl & LCR_PARITY) != 0 ? 1 : 0)
            + ((lineControl & LCR_STOP_BITS) != 0 ? 2 : 1);
    return bits * Clock.SECOND * Math.max(1, divisor) / BASE_BAUD;
  }

  private int cause() {
    if ((interruptEnable & IER_LINE_STATUS) != 0 && lineErrors() != 0) {
      return IIR_LINE_STATUS;
    }
    if ((interruptEnable & IER_RECEIVED_DATA) != 0) {
      int trigger = fifos() ? TRIGGER_LEVELS[fifoControl >> FCR_TRIGGER_SHIFT & 3] : 1;
      if (receiver.count() >= trigger) {
        return IIR_RECEIVED_DATA;
      }
      if (timeoutPending) {
        return IIR_TIMEOUT;
      }
    }
    if ((interruptEnable & IER_TRANSMITTER_EMPTY) != 0 && transmitterEmptyPending) {
      return IIR_TRANSMITTER_EMPTY;
    }
    if ((interruptEnable & IER_MODEM_STATUS) != 0 && modemDelta != 0) {
      return IIR_MODEM_STATUS;
    }
    return IIR_NONE;
  }

  private void update() {
    line.set(cause() != IIR_NONE && (modemControl & MCR_OUT2) != 0);
  }
}
