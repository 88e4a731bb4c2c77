package sharevm.machine.chip.apic;

import static sharevm.machine.chip.apic.Bits.ARBITRATION_PRIORITY;
import static sharevm.machine.chip.apic.Bits.BASE_BOOTSTRAP;
import static sharevm.machine.chip.apic.Bits.BASE_ENABLE;
import static sharevm.machine.chip.apic.Bits.BASE_PAGE;
import static sharevm.machine.chip.apic.Bits.BASE_X2APIC;
import static sharevm.machine.chip.apic.Bits.COMMAND;
import static sharevm.machine.chip.apic.Bits.COMMAND_HIGH;
import static sharevm.machine.chip.apic.Bits.CURRENT_COUNT;
import static sharevm.machine.chip.apic.Bits.DEFAULT_PAGE;
import static sharevm.machine.chip.apic.Bits.DESTINATION_FORMAT;
import static sharevm.machine.chip.apic.Bits.DIVIDE;
import static sharevm.machine.chip.apic.Bits.EOI;
import static sharevm.machine.chip.apic.Bits.ERROR_RECEIVE_VECTOR;
import static sharevm.machine.chip.apic.Bits.ERROR_REGISTER;
import static sharevm.machine.chip.apic.Bits.ERROR_SEND_VECTOR;
import static sharevm.machine.chip.apic.Bits.ERROR_STATUS;
import static sharevm.machine.chip.apic.Bits.FIRST_VECTOR;
import static sharevm.machine.chip.apic.Bits.ICR_WRITABLE;
import static sharevm.machine.chip.apic.Bits.ID;
import static sharevm.machine.chip.apic.Bits.INITIAL_COUNT;
import static sharevm.machine.chip.apic.Bits.IN_SERVICE;
import static sharevm.machine.chip.apic.Bits.LOGICAL_DESTINATION;
import static sharevm.machine.chip.apic.Bits.LVT_ERROR;
import static sharevm.machine.chip.apic.Bits.LVT_LINT0;
import static sharevm.machine.chip.apic.Bits.LVT_LINT1;
import static sharevm.machine.chip.apic.Bits.LVT_MODE_SHIFT;
import static sharevm.machine.chip.apic.Bits.LVT_TIMER;
import static sharevm.machine.chip.apic.Bits.LVT_VECTOR;
import static sharevm.machine.chip.apic.Bits.MSR_BASE;
import static sharevm.machine.chip.apic.Bits.MSR_TSC_DEADLINE;
import static sharevm.machine.chip.apic.Bits.MSR_X2APIC;
import static sharevm.machine.chip.apic.Bits.PROCESSOR_PRIORITY;
import static sharevm.machine.chip.apic.Bits.REMOTE_READ;
import static sharevm.machine.chip.apic.Bits.SELF_IPI;
import static sharevm.machine.chip.apic.Bits.SPURIOUS;
import static sharevm.machine.chip.apic.Bits.SVR_ENABLE;
import static sharevm.machine.chip.apic.Bits.SVR_WRITABLE;
import static sharevm.machine.chip.apic.Bits.TASK_PRIORITY;
import static sharevm.machine.chip.apic.Bits.VERSION;
import static sharevm.machine.chip.apic.Bits.VERSION_VALUE;

import java.util.function.LongSupplier;
import sharevm.cpu.Attention;
import sharevm.cpu.InterruptController;
import sharevm.cpu.SavedState;
import sharevm.machine.bus.DeliveryMode;
import sharevm.machine.bus.InterruptLine;
import sharevm.machine.bus.InterruptMessages;
import sharevm.machine.bus.Part;
import sharevm.machine.bus.PrivatePage;
import sharevm.machine.bus.Timers;
import sharevm.machine.bus.Trace;

/**
 * The interrupt controller of one processor: registers in memory (xAPIC) or as MSRs (x2APIC), a
 * timer, two pins.
 *
 * <pre>
 * messages, LINT0/1, timer, errors -> IRR -> (priority > PPR) -> processor -> ISR -> EOI
 * LINT0 as ExtINT ------------------------------------------> processor -> 8259A pair
 * </pre>
 *
 * <p>Messages come on any thread. One lock guards the state and is held for a few instructions at a
 * time; it is never held across a call to another part, except to the {@link Attention} word and
 * the timer queue, which call nobody back under it.
 */
public final class LocalApic implements InterruptController, PrivatePage, Part {
  private static final int NONE = -1;

  private final Object lock = new Object();
  private final int id;
  private final Attention attention;
  private final ApicBus bus;
  private final Trace trace;
  private final ApicTimer timer;
  private final Addressing addressing;
  private final Priorities priorities = new Priorities();
  private final LocalVectors vectors = new LocalVectors();
  private final Errors errors = new Errors();
  private volatile long page;
  private long base;
  private volatile boolean pending;
  private int spurious;
  private long command;
  private boolean externalRequested;

  /**
   * Makes one after power-on and puts it on the bus; the one with ID 0 is the bootstrap
   * processor's.
   *
   * @param id 0 to 254
   */
  public LocalApic(
      int id, Attention attention, ApicBus bus, Timers timers, ApicSettings settings, Trace trace) {
    this.id = id;
    this.attention = attention;
    this.bus = bus;
    this.trace = trace;
    addressing = new Addressing(id);
    timer = new ApicTimer("apic " + id, timers, settings, this::timerDue);
    reset();
    bus.add(this);
  }

  /** Sets what this processor's time-stamp counter is ahead of the machine's (IA32_TSC_ADJUST). */
  public void tscOffset(LongSupplier offset) {
    timer.tscOffset(offset);
  }

  /**
   * Leaves the state that PC firmware leaves behind on the bootstrap processor: enabled, the 8259A
   * pair on LINT0, NMI on LINT1.
   */
  public void virtualWire() {
    synchronized (lock) {
      spurious = SVR_ENABLE | 0x0F;
      vectors.write(LVT_LINT0, DeliveryMode.EXTERNAL.ordinal() << LVT_MODE_SHIFT, true);
      vectors.write(LVT_LINT1, DeliveryMode.NMI.ordinal() << LVT_MODE_SHIFT, true);
      wake();
    }
  }

  /** Returns a pin: 0 is LINT0, where the 8259A pair is wired, 1 is LINT1 for NMI. */
  public InterruptLine pin(int number) {
    return asserted -> drive(number, asserted);
  }

  @Override
  public boolean pending() {
    return pending;
  }

  @Override
  public int acknowledge() {
    boolean external;
    int vector;
    synchronized (lock) {
      external = externalPending();
      vector = external ? NONE : priorities.take();
      if (external) {
        externalRequested = false;
      }
      update();
    }
    if (external) {
      vector = bus.acknowledgeExternal();
    }
    if (trace.on(Trace.Category.APIC)) {
      trace.line(Trace.Category.APIC, "%d takes %02x%s", id, vector, external ? " external" : "");
    }
    return vector;
  }

  @Override
  public int taskPriority() {
    synchronized (lock) {
      return priorities.taskPriority() >> 4;
    }
  }

  @Override
  public void taskPriority(int priorityClass) {
    synchronized (lock) {
      priorities.taskPriority(priorityClass << 4);
      wake();
    }
  }

  @Override
  public long address() {
    return page;
  }

  /** Registers are 32 bits wide at multiples of 16 bytes; what is between them reads as 0. */
  @Override
  public long read(int offset, int size) {
    int within = offset & 0xF;
    if (within > 3) {
      return 0;
    }
    int number = offset >> 4;
    long value = readRegister(number) & 0xFFFF_FFFFL;
    if (trace.on(Trace.Category.APIC)) {
      trace.line(Trace.Category.APIC, "%d read  %03x -> %08x", id, offset, value);
    }
    return value >>> 8 * within;
  }

  /** Narrower or unaligned writes are undefined, and dropped. @ref [SDM3] 11.4.1 */
  @Override
  public void write(int offset, int size, long value) {
    if (size < 4 || (offset & 0xF) != 0) {
      return;
    }
    if (trace.on(Trace.Category.APIC)) {
      trace.line(Trace.Category.APIC, "%d write %03x <- %08x", id, offset, (int) value);
    }
    int number = offset >> 4;
    if (number == COMMAND) {
      long destination;
      synchronized (lock) {
        command = command & 0xFFFF_FFFF_0000_0000L | value & ICR_WRITABLE;
        destination = command >>> 56;
      }
      sendCommand(
          (int) value, destination == 0xFF ? InterruptMessages.BROADCAST : (int) destination);
    } else if (number == EOI) {
      endOfInterrupt();
    } else {
      writeRegister(number, (int) value);
    }
  }

  @Override
  public boolean ownsMsr(int index) {
    if (index == MSR_BASE || index == MSR_TSC_DEADLINE) {
      return true;
    }
    int number = index - MSR_X2APIC;
    return number >= 0 && number <= SELF_IPI && x2apic() && X2apicRegisters.exists(number);
  }

  @Override
  public long readMsr(int index) {
    synchronized (lock) {
      return switch (index) {
        case MSR_BASE -> base;
        case MSR_TSC_DEADLINE -> timer.tscDeadline();
        case MSR_X2APIC + COMMAND -> command;
        default -> readRegister(index - MSR_X2APIC) & 0xFFFF_FFFFL;
      };
    }
  }

  @Override
  public boolean writeMsr(int index, long value) {
    if (trace.on(Trace.Category.APIC)) {
      trace.line(Trace.Category.APIC, "%d wrmsr %03x <- %x", id, index, value);
    }
    if (index == MSR_BASE) {
      return writeBase(value);
    }
    if (index == MSR_TSC_DEADLINE) {
      synchronized (lock) {
        timer.tscDeadline(value);
      }
      return true;
    }
    int number = index - MSR_X2APIC;
    if (!ownsMsr(index) || !X2apicRegisters.accepts(number, value)) {
      return false;
    }
    switch (number) {
      case COMMAND -> {
        synchronized (lock) {
          command = value;
        }
        sendCommand((int) value, (int) (value >>> 32));
      }
      case SELF_IPI -> accept(DeliveryMode.FIXED, (int) value & 0xFF, false);
      case EOI -> endOfInterrupt();
      default -> writeRegister(number, (int) value);
    }
    return true;
  }

  @Override
  public SavedState save() {
    synchronized (lock) {
      return new SavedState()
          .put("base", base)
          .put("logicalDestination", addressing.logicalDestination())
          .put("destinationFormat", addressing.destinationFormat())
          .put("spurious", spurious)
          .put("command", command)
          .put("errorStatus", errors.shown())
          .put("errorsSeen", errors.seen())
          .put("externalRequested", externalRequested)
          .put("priorities", priorities.save())
          .put("localVectors", vectors.save())
          .put("timer", timer.save());
    }
  }

  @Override
  public void restore(SavedState state) {
    synchronized (lock) {
      setBase(state.getLong("base"));
      addressing.logicalDestination(state.getInt("logicalDestination"));
      addressing.destinationFormat(state.getInt("destinationFormat"));
      spurious = state.getInt("spurious") & SVR_WRITABLE;
      command = state.getLong("command");
      errors.set(state.getInt("errorStatus"), state.getInt("errorsSeen"));
      externalRequested = state.getBoolean("externalRequested");
      priorities.restore(state.getPart("priorities"));
      vectors.restore(state.getPart("localVectors"));
      timer.restore(state.getPart("timer"));
      wake();
    }
  }

  /** Power-up state. @ref [SDM3] 11.4.7.1 */
  @Override
  public void reset() {
    synchronized (lock) {
      setBase(DEFAULT_PAGE | BASE_ENABLE | (id == 0 ? BASE_BOOTSTRAP : 0));
      initialize();
    }
  }

  /** Takes a message, on any thread. */
  void accept(DeliveryMode mode, int vector, boolean level) {
    if (trace.on(Trace.Category.APIC)) {
      trace.line(
          Trace.Category.APIC, "%d gets  %s %02x%s", id, mode, vector, level ? " level" : "");
    }
    synchronized (lock) {
      if ((base & BASE_ENABLE) == 0) {
        return;
      }
      switch (mode) {
        case FIXED, LOWEST_PRIORITY -> request(vector, level);
        case NMI -> attention.raise(Attention.NMI);
        case INIT -> {
          initialize();
          attention.raise(Attention.INIT);
        }
        case STARTUP -> attention.raiseStartup(vector);
        case EXTERNAL -> {
          externalRequested = true;
          wake();
        }
        case SMI, RESERVED -> {
          // There is no system management mode.
        }
      }
    }
  }

  /** Whether a message is for this one. @ref [SDM3] 11.6.2 */
  boolean isAddressed(int destination, boolean logical) {
    if (destination == InterruptMessages.BROADCAST) {
      return true;
    }
    synchronized (lock) {
      return addressing.matches(destination, logical, x2apic());
    }
  }

  /** What lowest-priority arbitration compares: disabled ones lose. */
  int priority() {
    synchronized (lock) {
      boolean enabled = (base & BASE_ENABLE) != 0 && (spurious & SVR_ENABLE) != 0;
      return enabled ? priorities.processorPriority() : 0x100;
    }
  }

  private boolean x2apic() {
    return (base & BASE_X2APIC) != 0;
  }

  private void initialize() {
    addressing.reset();
    priorities.reset();
    vectors.reset();
    spurious = 0xFF;
    command = 0;
    errors.set(0, 0);
    externalRequested = false;
    timer.reset();
    update();
  }

  private void setBase(long value) {
    base = value;
    page = (value & (BASE_ENABLE | BASE_X2APIC)) == BASE_ENABLE ? value & BASE_PAGE : -1;
  }

  /** State changes that are no allowed step are faults. @ref [SDM3] Table 11-5, 11.12.5 */
  private boolean writeBase(long value) {
    long known = BASE_PAGE | BASE_ENABLE | BASE_X2APIC | BASE_BOOTSTRAP;
    if ((value & ~known) != 0) {
      return false;
    }
    synchronized (lock) {
      boolean wasEnabled = (base & BASE_ENABLE) != 0;
      boolean enable = (value & BASE_ENABLE) != 0;
      boolean extended = (value & BASE_X2APIC) != 0;
      if (extended && (!enable || !wasEnabled) || !extended && enable && x2apic()) {
        return false;
      }
      if (wasEnabled && !enable) {
        initialize();
      }
      setBase(value & ~BASE_BOOTSTRAP | base & BASE_BOOTSTRAP);
      wake();
    }
    attention.raise(Attention.FLUSH);
    return true;
  }

  private int readRegister(int number) {
    synchronized (lock) {
      if (number >= IN_SERVICE && number < ERROR_STATUS) {
        return priorities.register(number);
      }
      if (number >= LVT_TIMER && number <= LVT_ERROR) {
        return vectors.get(number);
      }
      return switch (number) {
        case ID -> x2apic() ? id : id << 24;
        case VERSION -> VERSION_VALUE;
        case TASK_PRIORITY -> priorities.taskPriority();
        case ARBITRATION_PRIORITY, PROCESSOR_PRIORITY -> priorities.processorPriority();
        case LOGICAL_DESTINATION ->
            x2apic() ? addressing.x2apicLogicalId() : addressing.logicalDestination();
        case DESTINATION_FORMAT -> addressing.destinationFormat();
        case SPURIOUS -> spurious;
        case ERROR_STATUS -> errors.shown();
        case COMMAND -> (int) command;
        case COMMAND_HIGH -> (int) (command >>> 32);
        case INITIAL_COUNT -> timer.initialCount();
        case CURRENT_COUNT -> timer.currentCount();
        case DIVIDE -> timer.divide();
        case EOI, REMOTE_READ, SELF_IPI -> 0;
        default -> {
          error(ERROR_REGISTER);
          yield 0;
        }
      };
    }
  }

  private void writeRegister(int number, int value) {
    synchronized (lock) {
      if (number >= LVT_TIMER && number <= LVT_ERROR) {
        writeLocalVector(number, value);
        return;
      }
      switch (number) {
        case TASK_PRIORITY -> {
          priorities.taskPriority(value);
          wake();
        }
        case LOGICAL_DESTINATION -> addressing.logicalDestination(value);
        case DESTINATION_FORMAT -> addressing.destinationFormat(value);
        case SPURIOUS -> {
          spurious = value & SVR_WRITABLE;
          if ((spurious & SVR_ENABLE) == 0) {
            vectors.maskAll();
            update();
          }
        }
        case ERROR_STATUS -> errors.latch();
        case COMMAND_HIGH -> command = command & 0xFFFF_FFFFL | (long) value << 32;
        case INITIAL_COUNT -> timer.initialCount(value);
        case DIVIDE -> timer.divide(value);
        case ID, VERSION, ARBITRATION_PRIORITY, PROCESSOR_PRIORITY, REMOTE_READ, CURRENT_COUNT -> {
          // Read only.
        }
        default -> {
          if (number < IN_SERVICE || number >= ERROR_STATUS) {
            error(ERROR_REGISTER);
          }
        }
      }
    }
  }

  private void writeLocalVector(int number, int value) {
    vectors.write(number, value, (spurious & SVR_ENABLE) != 0);
    if (number == LVT_TIMER) {
      timer.mode(vectors.get(LVT_TIMER));
    } else if (number == LVT_LINT0 || number == LVT_LINT1) {
      repeatLevel(number - LVT_LINT0);
      wake();
    }
  }

  private void sendCommand(int low, int destination) {
    if (InterruptCommand.isLegal(low)) {
      InterruptCommand.send(low, destination, this, bus);
    } else {
      synchronized (lock) {
        error(ERROR_SEND_VECTOR);
      }
    }
  }

  /**
   * @ref [SDM3] 11.8.5
   */
  private void endOfInterrupt() {
    int vector;
    boolean broadcast;
    synchronized (lock) {
      vector = priorities.end();
      broadcast = vector >= 0 && priorities.isLevel(vector);
      if (broadcast) {
        for (int pin = 0; pin < LocalVectors.PINS; pin++) {
          vectors.ended(pin, vector);
          repeatLevel(pin);
        }
      }
      wake();
    }
    if (broadcast) {
      bus.endOfInterrupt(vector);
    }
  }

  private void drive(int pin, boolean asserted) {
    synchronized (lock) {
      boolean was = vectors.asserted(pin);
      boolean rises = vectors.rises(pin, asserted);
      if ((base & BASE_ENABLE) != 0) {
        if (rises) {
          local(vectors.ofPin(pin), false);
        }
        repeatLevel(pin);
      } else if (pin == 1 && asserted && !was) {
        // Without the APIC the pins are INTR and NMI. @ref [SDM3] 11.4.3
        attention.raise(Attention.NMI);
      }
      wake();
    }
  }

  /**
   * A level-triggered pin requests again as long as it is asserted and its last request is over.
   */
  private void repeatLevel(int pin) {
    if (vectors.requests(pin)) {
      local(vectors.ofPin(pin), true);
    }
  }

  /** An interrupt from the local vector table. @ref [SDM3] 11.5.1 */
  private void local(int entry, boolean level) {
    switch (LocalVectors.mode(entry)) {
      case FIXED -> request(entry & LVT_VECTOR, level);
      case NMI -> attention.raise(Attention.NMI);
      case INIT -> {
        initialize();
        attention.raise(Attention.INIT);
      }
      default -> {
        // ExtINT is looked at where interrupts are taken; the others are nothing here.
      }
    }
  }

  private void timerDue() {
    synchronized (lock) {
      int entry = vectors.get(LVT_TIMER);
      if (timer.expire() && LocalVectors.isOpen(entry)) {
        request(entry & LVT_VECTOR, false);
      }
    }
  }

  private void request(int vector, boolean level) {
    if ((spurious & SVR_ENABLE) == 0) {
      return;
    }
    if (vector < FIRST_VECTOR) {
      error(ERROR_RECEIVE_VECTOR);
      return;
    }
    priorities.request(vector, level);
    wake();
  }

  /**
   * @ref [SDM3] 11.5.3
   */
  private void error(int bit) {
    boolean first = errors.add(bit);
    int entry = vectors.get(LVT_ERROR);
    // An illegal vector in the error entry itself must not lead back here.
    if (first && LocalVectors.isOpen(entry) && (entry & LVT_VECTOR) >= FIRST_VECTOR) {
      request(entry & LVT_VECTOR, false);
    }
  }

  private boolean externalPending() {
    if ((base & BASE_ENABLE) == 0) {
      return vectors.asserted(0);
    }
    return externalRequested || vectors.external();
  }

  private void update() {
    pending = externalPending() || priorities.deliverable() >= 0;
  }

  private void wake() {
    update();
    if (pending) {
      attention.raise(Attention.INTERRUPT);
    }
  }
}
