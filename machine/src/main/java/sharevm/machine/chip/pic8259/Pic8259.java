package sharevm.machine.chip.pic8259;

import sharevm.cpu.SavedState;
import sharevm.machine.bus.BytePorts;
import sharevm.machine.bus.InterruptLine;
import sharevm.machine.bus.Part;
import sharevm.machine.bus.Trace;

/**
 * One 8259A: eight inputs, one output, two registers.
 *
 * <pre>
 * inputs -> edge sense -> IRR -> (IMR) -> priority -> INT output
 *                                            ^
 *                            ISR ------------+   set by acknowledge, cleared by EOI
 * </pre>
 *
 * <p>In the 8080 mode a call instruction would be sent; a PC has no use for it, and here ICW4 bit 0
 * changes nothing.
 */
public final class Pic8259 implements BytePorts, Part {
  /** The number of registers. */
  public static final int PORTS = 2;

  /**
   * ICW1: says that a write to the even port is ICW1. @ref [8259A] "Initialization Command Word
   * Format"
   */
  private static final int ICW1 = 1 << 4;

  /** ICW1 IC4: ICW4 is needed. */
  private static final int ICW1_ICW4_NEEDED = 1;

  /** ICW1 SNGL: single, no ICW3 is issued. */
  private static final int ICW1_SINGLE = 1 << 1;

  /** ICW1 LTIM: level triggered mode for all inputs. */
  private static final int ICW1_LEVEL = 1 << 3;

  /** ICW2: T7 to T3 of the vector. @ref [8259A] "Initialization Command Word Format" */
  private static final int ICW2_VECTOR = 0xF8;

  /** ICW4 AEOI: automatic end of interrupt. @ref [8259A] "Initialization Command Word Format" */
  private static final int ICW4_AUTO_EOI = 1 << 1;

  /** ICW4 M/S: master, in buffered mode. */
  private static final int ICW4_MASTER = 1 << 2;

  /** ICW4 BUF: buffered mode. */
  private static final int ICW4_BUFFERED = 1 << 3;

  /** ICW4 SFNM: special fully nested mode. */
  private static final int ICW4_SPECIAL_NESTED = 1 << 4;

  /**
   * OCW2: level L2 to L0 acted upon when SL is set. @ref [8259A] "Operation Command Word Format"
   */
  private static final int OCW2_LEVEL = 7;

  /** OCW3: says that a write to the even port without ICW1's bit is OCW3, not OCW2. */
  private static final int OCW3 = 1 << 3;

  /** OCW3 RIS: which register to read, with RR: ISR if set, else IRR. */
  private static final int OCW3_READ_ISR = 1;

  /** OCW3 RR: read register command. */
  private static final int OCW3_READ = 1 << 1;

  /** OCW3 P: poll command. */
  private static final int OCW3_POLL = 1 << 2;

  /** OCW3 SMM: special mask mode, with ESMM. */
  private static final int OCW3_SPECIAL_MASK = 1 << 5;

  /** OCW3 ESMM: enable special mask mode. */
  private static final int OCW3_SPECIAL_MASK_ENABLE = 1 << 6;

  /** The answer to a poll: there is an interrupt. @ref [8259A] "Poll Command" */
  private static final int POLL_INTERRUPT = 1 << 7;

  /**
   * What an acknowledgement gives when no request is left. @ref [8259A] "Edge and Level Triggered
   * Modes"
   */
  private static final int DEFAULT_LEVEL = 7;

  private final String name;
  private final int levelConfigurable;
  private final InterruptLine output;
  private final Trace trace;

  private int lines;
  private int requests;
  private int inService;
  private int mask;
  private int levelControl;
  private int icw1;
  private int icw2;
  private int icw3;
  private int icw4;
  private int nextWord;
  private int lowest;
  private boolean readInService;
  private boolean polled;
  private boolean specialMask;
  private boolean rotateOnAutoEoi;

  /**
   * Makes one.
   *
   * @param name for the trace
   * @param levelConfigurable the inputs that the edge/level register may make level triggered
   */
  public Pic8259(String name, int levelConfigurable, InterruptLine output, Trace trace) {
    this.name = name;
    this.levelConfigurable = levelConfigurable;
    this.output = output;
    this.trace = trace;
    reset();
  }

  /** Drives an input, 0 to 7. */
  public void input(int number, boolean asserted) {
    int bit = 1 << number;
    int before = lines;
    lines = asserted ? lines | bit : lines & ~bit;
    if (before != lines) {
      // A request that goes away before it is acknowledged is lost in either mode.
      requests = asserted ? requests | bit : requests & ~bit;
      update();
    }
  }

  /**
   * Takes the interrupt of highest priority, as the two INTA pulses do.
   *
   * @return the vector; that of input 7 if nothing is requested any more
   */
  public int acknowledge() {
    int level = highestRequest();
    if (level >= 0) {
      take(level);
    }
    int vector = icw2 & ICW2_VECTOR | (level < 0 ? DEFAULT_LEVEL : level);
    if (trace.on(Trace.Category.PIC)) {
      trace.line(
          Trace.Category.PIC, "%s acknowledge %02x%s", name, vector, level < 0 ? " spurious" : "");
    }
    return vector;
  }

  /** Returns whether an input has a slave on it: ICW3 of a master that is not alone. */
  boolean hasSlave(int number) {
    return (icw1 & ICW1_SINGLE) == 0 && (icw3 >> number & 1) != 0;
  }

  /** Returns the edge/level control register. @ref [PIIX3] "ELCR1, ELCR2" */
  int levelControl() {
    return levelControl;
  }

  /** Writes the edge/level control register: a 1 makes an input level triggered. */
  void levelControl(int value) {
    levelControl = value & levelConfigurable;
    requests |= lines & levelTriggered();
    update();
  }

  @Override
  public int read(int offset) {
    if (polled) {
      polled = false;
      int level = highestRequest();
      if (level >= 0) {
        take(level);
      }
      return level < 0 ? 0 : POLL_INTERRUPT | level;
    }
    if ((offset & 1) != 0) {
      return mask;
    }
    return readInService ? inService : requests;
  }

  @Override
  public void write(int offset, int value) {
    if (trace.on(Trace.Category.PIC)) {
      trace.line(Trace.Category.PIC, "%s write %d <- %02x", name, offset, value);
    }
    if ((offset & 1) == 0) {
      if ((value & ICW1) != 0) {
        initialize(value);
      } else if ((value & OCW3) != 0) {
        writeOperation3(value);
      } else {
        writeOperation2(value);
      }
    } else {
      writeOdd(value);
    }
    update();
  }

  @Override
  public SavedState save() {
    return new SavedState()
        .put("lines", lines)
        .put("requests", requests)
        .put("inService", inService)
        .put("mask", mask)
        .put("levelControl", levelControl)
        .put("icw1", icw1)
        .put("icw2", icw2)
        .put("icw3", icw3)
        .put("icw4", icw4)
        .put("nextWord", nextWord)
        .put("lowest", lowest)
        .put("readInService", readInService)
        .put("polled", polled)
        .put("specialMask", specialMask)
        .put("rotateOnAutoEoi", rotateOnAutoEoi);
  }

  @Override
  public void restore(SavedState state) {
    lines = state.getInt("lines") & 0xFF;
    requests = state.getInt("requests") & 0xFF;
    inService = state.getInt("inService") & 0xFF;
    mask = state.getInt("mask") & 0xFF;
    levelControl = state.getInt("levelControl") & levelConfigurable;
    icw1 = state.getInt("icw1");
    icw2 = state.getInt("icw2") & 0xFF;
    icw3 = state.getInt("icw3");
    icw4 = state.getInt("icw4");
    nextWord = state.getInt("nextWord");
    lowest = state.getInt("lowest") & 7;
    readInService = state.getBoolean("readInService");
    polled = state.getBoolean("polled");
    specialMask = state.getBoolean("specialMask");
    rotateOnAutoEoi = state.getBoolean("rotateOnAutoEoi");
  }

  /**
   * All inputs masked until software initializes the chip, so that a machine without any is quiet.
   */
  @Override
  public void reset() {
    levelControl = 0;
    icw2 = 0;
    icw3 = 0;
    initialize(ICW1);
    nextWord = 0;
    mask = 0xFF;
    update();
  }

  /**
   * ICW1 starts the initialization sequence. @ref [8259A] "Initialization Command Words 1 and 2"
   */
  private void initialize(int value) {
    icw1 = value;
    icw4 = 0;
    mask = 0;
    inService = 0;
    lowest = 7;
    specialMask = false;
    readInService = false;
    polled = false;
    rotateOnAutoEoi = false;
    requests = lines & levelTriggered();
    nextWord = 2;
  }

  private void writeOdd(int value) {
    switch (nextWord) {
      case 2 -> {
        icw2 = value;
        nextWord = (icw1 & ICW1_SINGLE) == 0 ? 3 : (icw1 & ICW1_ICW4_NEEDED) != 0 ? 4 : 0;
      }
      case 3 -> {
        icw3 = value;
        nextWord = (icw1 & ICW1_ICW4_NEEDED) != 0 ? 4 : 0;
      }
      case 4 -> {
        icw4 = value;
        nextWord = 0;
      }
      default -> mask = value;
    }
  }

  /** Rotate and end of interrupt. @ref [8259A] "Operation Command Word Format" */
  private void writeOperation2(int value) {
    int level = value & OCW2_LEVEL;
    switch (value >> 5) {
      case 0b000 -> rotateOnAutoEoi = false;
      case 0b100 -> rotateOnAutoEoi = true;
      case 0b001 -> endOfInterrupt(highestInService());
      case 0b011 -> endOfInterrupt(level);
      case 0b101 -> {
        int ended = highestInService();
        endOfInterrupt(ended);
        lowest = ended < 0 ? lowest : ended;
      }
      case 0b111 -> {
        endOfInterrupt(level);
        lowest = level;
      }
      case 0b110 -> lowest = level;
      default -> {
        // 010b: no operation.
      }
    }
  }

  private void writeOperation3(int value) {
    if ((value & OCW3_POLL) != 0) {
      polled = true;
    } else if ((value & OCW3_READ) != 0) {
      readInService = (value & OCW3_READ_ISR) != 0;
    }
    if ((value & OCW3_SPECIAL_MASK_ENABLE) != 0) {
      specialMask = (value & OCW3_SPECIAL_MASK) != 0;
    }
  }

  private void endOfInterrupt(int level) {
    if (level >= 0) {
      inService &= ~(1 << level);
    }
  }

  private int levelTriggered() {
    return (icw1 & ICW1_LEVEL) != 0 ? 0xFF : levelControl;
  }

  private void take(int level) {
    int bit = 1 << level;
    if ((icw4 & ICW4_AUTO_EOI) == 0) {
      inService |= bit;
    } else if (rotateOnAutoEoi) {
      lowest = level;
    }
    requests &= ~bit | levelTriggered();
    // INT falls between two interrupts: the edge that a master waits for.
    output.set(false);
    update();
  }

  /** Returns the request that INT stands for, or -1. */
  private int highestRequest() {
    int open = requests & ~mask;
    if (open == 0) {
      return -1;
    }
    int blocking = specialMask ? inService & ~mask : inService;
    int allowedAgain = nestsSlaves() ? icw3 : 0;
    for (int i = 1; i <= 8; i++) {
      int level = lowest + i & 7;
      int bit = 1 << level;
      boolean blocked = (blocking & bit) != 0;
      if ((open & bit) != 0 && (!blocked || (allowedAgain & bit) != 0)) {
        return level;
      }
      if (blocked) {
        return -1;
      }
    }
    return -1;
  }

  /**
   * A slave's further requests pass its own one in service. @ref [8259A] "Special Fully Nested
   * Mode"
   */
  private boolean nestsSlaves() {
    boolean slave = (icw4 & (ICW4_BUFFERED | ICW4_MASTER)) == ICW4_BUFFERED;
    return (icw4 & ICW4_SPECIAL_NESTED) != 0 && (icw1 & ICW1_SINGLE) == 0 && !slave;
  }

  /** What a non-specific EOI ends. @ref [8259A] "End of Interrupt", "Special Mask Mode" */
  private int highestInService() {
    int candidates = specialMask ? inService & ~mask : inService;
    for (int i = 1; i <= 8; i++) {
      int level = lowest + i & 7;
      if ((candidates >> level & 1) != 0) {
        return level;
      }
    }
    return -1;
  }

  private void update() {
    output.set(highestRequest() >= 0);
  }
}
