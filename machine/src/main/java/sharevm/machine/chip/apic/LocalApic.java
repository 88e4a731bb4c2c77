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
import static sharevm.machine.chip.apic.Bits.ICR_ASSERT;
import static sharevm.machine.chip.apic.Bits.ICR_LEVEL;
import static sharevm.machine.chip.apic.Bits.ICR_LOGICAL;
import static sharevm.machine.chip.apic.Bits.ICR_SHORTHAND_SHIFT;
import static sharevm.machine.chip.apic.Bits.ICR_WRITABLE;
import static sharevm.machine.chip.apic.Bits.ID;
import static sharevm.machine.chip.apic.Bits.INITIAL_COUNT;
import static sharevm.machine.chip.apic.Bits.IN_SERVICE;
import static sharevm.machine.chip.apic.Bits.LOGICAL_DESTINATION;
import static sharevm.machine.chip.apic.Bits.LVT_ERROR;
import static sharevm.machine.chip.apic.Bits.LVT_LEVEL;
import static sharevm.machine.chip.apic.Bits.LVT_LINT0;
import static sharevm.machine.chip.apic.Bits.LVT_LINT1;
import static sharevm.machine.chip.apic.Bits.LVT_MASKED;
import static sharevm.machine.chip.apic.Bits.LVT_MODE_SHIFT;
import static sharevm.machine.chip.apic.Bits.LVT_REMOTE_REQUEST;
import static sharevm.machine.chip.apic.Bits.LVT_TIMER;
import static sharevm.machine.chip.apic.Bits.LVT_VECTOR;
import static sharevm.machine.chip.apic.Bits.LVT_WRITABLE;
import static sharevm.machine.chip.apic.Bits.MSR_BASE;
import static sharevm.machine.chip.apic.Bits.MSR_TSC_DEADLINE;
import static sharevm.machine.chip.apic.Bits.MSR_X2APIC;
import static sharevm.machine.chip.apic.Bits.PROCESSOR_PRIORITY;
import static sharevm.machine.chip.apic.Bits.REMOTE_READ;
import static sharevm.machine.chip.apic.Bits.REQUEST;
import static sharevm.machine.chip.apic.Bits.SELF_IPI;
import static sharevm.machine.chip.apic.Bits.SPURIOUS;
import static sharevm.machine.chip.apic.Bits.SVR_ENABLE;
import static sharevm.machine.chip.apic.Bits.SVR_WRITABLE;
import static sharevm.machine.chip.apic.Bits.TASK_PRIORITY;
import static sharevm.machine.chip.apic.Bits.TRIGGER_MODE;
import static sharevm.machine.chip.apic.Bits.VERSION;
import static sharevm.machine.chip.apic.Bits.VERSION_VALUE;

import java.util.Arrays;
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
 * The interrupt controller of one processor: registers in memory (xAPIC) or as MSRs (x2APIC), a timer, two
 * pins.
 *
 * <pre>
 * messages, LINT0/1, timer, errors -> IRR -> (priority > PPR) -> processor -> ISR -> EOI
 * LINT0 as ExtINT ------------------------------------------> processor -> 8259A pair
 * </pre>
 *
 * <p>Messages come on any thread. One lock guards the state and is held for a few instructions at a
 * time; it is never held across a call to another part, except to the {@link Attention} word and the
 * timer queue, which call nobody back under it.
 */
public final class LocalApic implements InterruptController, PrivatePage, Part {
  private static final int LVT_COUNT = LVT_WRITABLE.length;
  private static final int FLAT = 0xF;
  private static final int NONE = -1;

  private final Object lock = new Object();
  private final int id;
  private final Attention attention;
  private final ApicBus bus;
  private final Trace trace;
  private final ApicTimer timer;
  private final VectorSet requests = new VectorSet();
  private final VectorSet inService = new VectorSet();
  private final VectorSet triggers = new VectorSet();
  private final int[] lvt = new int[LVT_COUNT];
  private final boolean[] pins = new boolean[2];
  private volatile long page;
  private long base;
  private int taskPriority;
  private int logicalDestination;
  private int destinationFormat;
  private int spurious;
  private long command;
  private int errorStatus;
  private int errorsSeen;
  private boolean externalRequested;

  /**
   * Makes one after power-on and puts it on the bus; the one with ID 0 is the bootstrap processor's.
   *
   * @param id 0 to 254
   */
  public LocalApic(
      int id, Attention attention, ApicBus bus, Timers timers, ApicSettings settings, Trace trace) {
    this.id = id;
    this.attention = attention;
    this.bus = bus;
    this.trace = trace;
    timer = new ApicTimer("apic " + id, timers, settings, this::timerDue);
    reset();
    bus.add(this);
  }

  /** Sets what this processor's time-stamp counter is ahead of the machine's (IA32_TSC_ADJUST). */
  public void tscOffset(LongSupplier offset) {
    timer.tscOffset(offset);
  }

  /**
   * Leaves the state that PC firmware leaves behind on the bootstrap processor: enabled, the 8259A pair
   * on LINT0, NMI on LINT1.
   */
  public void virtualWire() {
    synchronized (lock) {
      spurious = SVR_ENABLE | 0x0F;
      lvt[LVT_LINT0 - LVT_TIMER] = DeliveryMode.EXTERNAL.ordinal() << LVT_MODE_SHIFT;
      lvt[LVT_LINT1 - LVT_TIMER] = DeliveryMode.NMI.ordinal() << LVT_MODE_SHIFT;
      wake();
    }
  }

  /** Returns a pin: 0 is LINT0, where the 8259A pair is wired, 1 is LINT1 for NMI. */
  public InterruptLine pin(int number) {
    return asserted -> drive(number, asserted);
  }

  @Override
  public boolean pending() {
    synchronized (lock) {
      return deliverable();
    }
  }

  @Override
  public int acknowledge() {
    boolean external;
    int vector;
    synchronized (lock) {
      external = externalPending();
      vector = external ? NONE : deliverableVector();
      if (external) {
        externalRequested = false;
      } else if (vector >= 0) {
        requests.remove(vector);
        inService.add(vector);
      }
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
      return taskPriority >> 4;
    }
  }

  @Override
  public void taskPriority(int priorityClass) {
    synchronized (lock) {
      taskPriority = (priorityClass & 0xF) << 4;
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
      sendCommand((int) value, destination == 0xFF ? InterruptMessages.BROADCAST : (int) destination);
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
      long[] table = new long[LVT_COUNT];
      for (int i = 0; i < LVT_COUNT; i++) {
        table[i] = lvt[i];
      }
      return new SavedState()
          .put("base", base)
          .put("taskPriority", taskPriority)
          .put("logicalDestination", logicalDestination)
          .put("destinationFormat", destinationFormat)
          .put("spurious", spurious)
          .put("command", command)
          .put("errorStatus", errorStatus)
          .put("errorsSeen", errorsSeen)
          .put("externalRequested", externalRequested)
          .put("pin0", pins[0])
          .put("pin1", pins[1])
          .put("localVectorTable", table)
          .put("requests", requests.save())
          .put("inService", inService.save())
          .put("triggers", triggers.save())
          .put("timer", timer.save());
    }
  }

  @Override
  public void restore(SavedState state) {
    synchronized (lock) {
      setBase(state.getLong("base"));
      taskPriority = state.getInt("taskPriority") & 0xFF;
      logicalDestination = state.getInt("logicalDestination");
      destinationFormat = state.getInt("destinationFormat");
      spurious = state.getInt("spurious") & SVR_WRITABLE;
      command = state.getLong("command");
      errorStatus = state.getInt("errorStatus");
      errorsSeen = state.getInt("errorsSeen");
      externalRequested = state.getBoolean("externalRequested");
      pins[0] = state.getBoolean("pin0");
      pins[1] = state.getBoolean("pin1");
      long[] table = state.getLongs("localVectorTable");
      for (int i = 0; i < Math.min(table.length, LVT_COUNT); i++) {
        lvt[i] = (int) table[i];
      }
      requests.restore(state.getLongs("requests"));
      inService.restore(state.getLongs("inService"));
      triggers.restore(state.getLongs("triggers"));
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
      trace.line(Trace.Category.APIC, "%d gets  %s %02x%s", id, mode, vector, level ? " level" : "");
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
      if (!logical) {
        return destination == id;
      }
      if (x2apic()) {
        int own = x2apicLogicalId();
        return destination >>> 16 == own >>> 16 && (destination & own & 0xFFFF) != 0;
      }
      if ((destination & ~0xFF) != 0) {
        return false;
      }
      int own = logicalDestination >>> 24;
      if (destinationFormat >>> 28 == FLAT) {
        return (destination & own) != 0;
      }
      int cluster = destination >> 4;
      return (cluster == 0xF || cluster == own >> 4) && (destination & own & 0xF) != 0;
    }
  }

  /** What lowest-priority arbitration compares: disabled ones lose. */
  int priority() {
    synchronized (lock) {
      boolean enabled = (base & BASE_ENABLE) != 0 && (spurious & SVR_ENABLE) != 0;
      return enabled ? processorPriority() : 0x100;
    }
  }

  private boolean x2apic() {
    return (base & BASE_X2APIC) != 0;
  }

  /** @ref [SDM3] 11.12.10.2 */
  private int x2apicLogicalId() {
    return id >> 4 << 16 | 1 << (id & 0xF);
  }

  private void initialize() {
    taskPriority = 0;
    logicalDestination = 0;
    destinationFormat = -1;
    spurious = 0xFF;
    command = 0;
    errorStatus = 0;
    errorsSeen = 0;
    externalRequested = false;
    Arrays.fill(lvt, LVT_MASKED);
    requests.clear();
    inService.clear();
    triggers.clear();
    timer.reset();
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
        VectorSet set =
            number < TRIGGER_MODE ? inService : number < REQUEST ? triggers : requests;
        return set.register(number & 7);
      }
      if (number >= LVT_TIMER && number <= LVT_ERROR) {
        return lvt[number - LVT_TIMER];
      }
      return switch (number) {
        case ID -> x2apic() ? id : id << 24;
        case VERSION -> VERSION_VALUE;
        case TASK_PRIORITY -> taskPriority;
        case ARBITRATION_PRIORITY, PROCESSOR_PRIORITY -> processorPriority();
        case LOGICAL_DESTINATION -> x2apic() ? x2apicLogicalId() : logicalDestination;
        case DESTINATION_FORMAT -> destinationFormat;
        case SPURIOUS -> spurious;
        case ERROR_STATUS -> errorStatus;
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
        writeLocalVector(number - LVT_TIMER, value);
        return;
      }
      switch (number) {
        case TASK_PRIORITY -> {
          taskPriority = value & 0xFF;
          wake();
        }
        case LOGICAL_DESTINATION -> logicalDestination = value & 0xFF00_0000;
        case DESTINATION_FORMAT -> destinationFormat = value | 0x0FFF_FFFF;
        case SPURIOUS -> {
          spurious = value & SVR_WRITABLE;
          if ((spurious & SVR_ENABLE) == 0) {
            for (int i = 0; i < LVT_COUNT; i++) {
              lvt[i] |= LVT_MASKED;
            }
          }
        }
        case ERROR_STATUS -> {
          errorStatus = errorsSeen;
          errorsSeen = 0;
        }
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

  private void writeLocalVector(int index, int value) {
    int kept = lvt[index] & LVT_REMOTE_REQUEST;
    lvt[index] = value & LVT_WRITABLE[index] | kept;
    if ((spurious & SVR_ENABLE) == 0) {
      lvt[index] |= LVT_MASKED;
    }
    if (index == 0) {
      timer.mode(lvt[0]);
    } else if (index == LVT_LINT0 - LVT_TIMER || index == LVT_LINT1 - LVT_TIMER) {
      repeatLevel(index);
      wake();
    }
  }

  private void sendCommand(int low, int destination) {
    DeliveryMode mode = DeliveryMode.of(low >> 8);
    int vector = low & 0xFF;
    boolean deassert = (low & (ICR_ASSERT | ICR_LEVEL)) == ICR_LEVEL;
    boolean vectored = mode == DeliveryMode.FIXED || mode == DeliveryMode.LOWEST_PRIORITY;
    if (vectored && vector < FIRST_VECTOR) {
      synchronized (lock) {
        error(ERROR_SEND_VECTOR);
      }
      return;
    }
    // INIT level de-assert only set arbitration IDs, which newer processors do not have.
    if (mode == DeliveryMode.INIT && deassert || mode == DeliveryMode.EXTERNAL) {
      return;
    }
    switch (low >> ICR_SHORTHAND_SHIFT & 3) {
      case 0 -> bus.send(destination, (low & ICR_LOGICAL) != 0, mode, vector, false);
      case 1 -> accept(mode, vector, false);
      case 2 -> bus.sendToAll(null, mode, vector);
      default -> bus.sendToAll(this, mode, vector);
    }
  }

  /** @ref [SDM3] 11.8.5 */
  private void endOfInterrupt() {
    int vector;
    boolean broadcast;
    synchronized (lock) {
      vector = inService.highest();
      if (vector < 0) {
        return;
      }
      inService.remove(vector);
      broadcast = triggers.has(vector);
      if (broadcast) {
        for (int index = LVT_LINT0 - LVT_TIMER; index <= LVT_LINT1 - LVT_TIMER; index++) {
          if ((lvt[index] & LVT_VECTOR) == vector) {
            lvt[index] &= ~LVT_REMOTE_REQUEST;
            repeatLevel(index);
          }
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
      boolean rises = asserted && !pins[pin];
      pins[pin] = asserted;
      int index = LVT_LINT0 - LVT_TIMER + pin;
      if ((base & BASE_ENABLE) == 0) {
        // Without the APIC the pins are INTR and NMI. @ref [SDM3] 11.4.3
        if (rises && pin == 1) {
          attention.raise(Attention.NMI);
        }
      } else if ((lvt[index] & LVT_MASKED) == 0) {
        if ((lvt[index] & LVT_LEVEL) != 0) {
          repeatLevel(index);
        } else if (rises) {
          local(lvt[index], false);
        }
      }
      wake();
    }
  }

  /** A level-triggered pin requests again as long as it is asserted and its last request is over. */
  private void repeatLevel(int index) {
    boolean asserted = pins[index - (LVT_LINT0 - LVT_TIMER)];
    int blocked = LVT_MASKED | LVT_REMOTE_REQUEST;
    boolean fixed = DeliveryMode.of(lvt[index] >> LVT_MODE_SHIFT) == DeliveryMode.FIXED;
    if (asserted && fixed && (lvt[index] & (blocked | LVT_LEVEL)) == LVT_LEVEL) {
      lvt[index] |= LVT_REMOTE_REQUEST;
      local(lvt[index], true);
    }
  }

  /** An interrupt from the local vector table. @ref [SDM3] 11.5.1 */
  private void local(int entry, boolean level) {
    switch (DeliveryMode.of(entry >> LVT_MODE_SHIFT)) {
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
      if (timer.expire() && (lvt[0] & LVT_MASKED) == 0) {
        request(lvt[0] & LVT_VECTOR, false);
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
    requests.add(vector);
    if (level) {
      triggers.add(vector);
    } else {
      triggers.remove(vector);
    }
    wake();
  }

  /** @ref [SDM3] 11.5.3 */
  private void error(int bit) {
    boolean first = (errorsSeen & bit) == 0;
    errorsSeen |= bit;
    int entry = lvt[LVT_ERROR - LVT_TIMER];
    // An illegal vector in the error entry itself must not lead back here.
    if (first && (entry & LVT_MASKED) == 0 && (entry & LVT_VECTOR) >= FIRST_VECTOR) {
      request(entry & LVT_VECTOR, false);
    }
  }

  private int processorPriority() {
    int serviced = Math.max(0, inService.highest());
    return taskPriority >> 4 >= serviced >> 4 ? taskPriority : serviced & 0xF0;
  }

  private int deliverableVector() {
    int vector = requests.highest();
    return vector >= 0 && vector >> 4 > processorPriority() >> 4 ? vector : NONE;
  }

  private boolean externalPending() {
    if ((base & BASE_ENABLE) == 0) {
      return pins[0];
    }
    int entry = lvt[LVT_LINT0 - LVT_TIMER];
    boolean connected =
        (entry & LVT_MASKED) == 0
            && DeliveryMode.of(entry >> LVT_MODE_SHIFT) == DeliveryMode.EXTERNAL;
    return externalRequested || pins[0] && connected;
  }

  private boolean deliverable() {
    return externalPending() || deliverableVector() >= 0;
  }

  private void wake() {
    if (deliverable()) {
      attention.raise(Attention.INTERRUPT);
    }
  }
}
