package sharevm.machine.chip.power;

import sharevm.cpu.SavedState;
import sharevm.machine.bus.BytePorts;
import sharevm.machine.bus.Clock;
import sharevm.machine.bus.InterruptLine;
import sharevm.machine.bus.Part;
import sharevm.machine.bus.PortDevice;
import sharevm.machine.bus.RegisterMap;
import sharevm.machine.bus.Timers;
import sharevm.machine.bus.Trace;

/**
 * ACPI's fixed hardware in 16 ports: PM1a event and control registers and the power management
 * timer, with the system control interrupt and soft off.
 *
 * <pre>
 * 0 PM1 status | 2 PM1 enable | 4 PM1 control | 8 timer (4 bytes)
 * </pre>
 */
public final class PowerManagement implements PortDevice, Part {
  /** The number of ports. */
  public static final int PORTS = 16;

  /** The timer's frequency in Hz. @ref [ACPI] 4.8.2.1 */
  public static final long HERTZ = 3_579_545;

  /** Written to the SMI command port: the operating system takes over, SCI_EN is set. */
  public static final int ACPI_ENABLE = 0xF1;

  /** Written to the SMI command port: SCI_EN is cleared. */
  public static final int ACPI_DISABLE = 0xF0;

  /** How one is built. */
  public enum TimerWidth {
    /** The timer wraps after 4.7 seconds. */
    BITS_24(24),

    /** The timer wraps after 20 minutes. */
    BITS_32(32);

    private final int bits;

    TimerWidth(int bits) {
      this.bits = bits;
    }
  }

  /**
   * What a machine decides.
   *
   * @param width the timer's
   * @param offType the sleep type that means soft off (S5), 0 to 7
   * @param startsInAcpiMode whether SCI_EN is set from the start, as where there is no SMI command
   *     port
   */
  public record Settings(TimerWidth width, int offType, boolean startsInAcpiMode) {}

  private enum Register implements RegisterMap.Register {
    /** PM1 Status Register. @ref [ACPI] 4.8.3.1.1 */
    STATUS(0, 2),

    /** PM1 Enable Register. @ref [ACPI] 4.8.3.1.2 */
    ENABLE(2, 2),

    /** PM1 Control Register. @ref [ACPI] 4.8.3.2.1 */
    CONTROL(4, 2),

    /** PM Timer, read only. @ref [ACPI] 4.8.3.3 */
    TIMER(8, 4);

    private final int offset;
    private final int size;

    Register(int offset, int size) {
      this.offset = offset;
      this.size = size;
    }

    @Override
    public int offset() {
      return offset;
    }

    @Override
    public int size() {
      return size;
    }
  }

  /** TMR_STS, TMR_EN: the timer's highest bit has changed. */
  private static final int TIMER_EVENT = 1;

  /** GBL_STS, GBL_EN: the firmware wants the global lock. */
  private static final int GLOBAL_EVENT = 1 << 5;

  /** PWRBTN_STS, PWRBTN_EN: the power button was pressed. */
  private static final int POWER_BUTTON = 1 << 8;

  /** RTC_STS, RTC_EN: the clock's alarm. */
  private static final int RTC_EVENT = 1 << 10;

  /** WAK_STS: the machine came out of sleep. */
  private static final int WAKE_STATUS = 1 << 15;

  private static final int STATUS_BITS =
      TIMER_EVENT | GLOBAL_EVENT | POWER_BUTTON | RTC_EVENT | WAKE_STATUS;
  private static final int ENABLE_BITS = TIMER_EVENT | GLOBAL_EVENT | POWER_BUTTON | RTC_EVENT;

  /** SCI_EN: power events raise the SCI; set by firmware only. */
  private static final int SCI_ENABLE = 1;

  /** BM_RLD and SLP_TYPx: what can be written and read back. */
  private static final int CONTROL_BITS = 1 << 1 | 7 << 10;

  /** SLP_TYPx, bits 10 to 12. */
  private static final int SLEEP_TYPE_SHIFT = 10;

  /** SLP_EN, write only: enter the sleep state. */
  private static final int SLEEP_ENABLE = 1 << 13;

  private final Clock clock;
  private final InterruptLine sci;
  private final Runnable powerOff;
  private final Settings settings;
  private final Trace trace;
  private final Timers.Timer timer;
  private final RegisterMap<Register> map = new RegisterMap<>(PORTS, Register.values());
  private final RegisterMap.Handler<Register> handler =
      new RegisterMap.Handler<>() {
        @Override
        public long read(Register register) {
          return readRegister(register);
        }

        @Override
        public void write(Register register, long value, long mask) {
          writeRegister(register, (int) value, (int) mask);
        }
      };
  private int status;
  private int enable;
  private int control;
  private long lookedAt;

  /**
   * Makes one.
   *
   * @param sci the system control interrupt, level triggered
   * @param powerOff runs, under the device lock, when the guest enters soft off
   */
  public PowerManagement(
      Timers timers, InterruptLine sci, Runnable powerOff, Settings settings, Trace trace) {
    clock = timers.clock();
    this.sci = sci;
    this.powerOff = powerOff;
    this.settings = settings;
    this.trace = trace;
    timer = timers.timer("acpi timer", this::update);
    reset();
  }

  /** Presses the power button: asks the guest to shut down. Under the device lock. */
  public void pressPowerButton() {
    status |= POWER_BUTTON;
    update();
  }

  /** Returns the SMI command port and, after it, the scratch port that PC firmware has there. */
  public BytePorts smiCommand() {
    return new BytePorts() {
      @Override
      public int read(int offset) {
        return 0;
      }

      @Override
      public void write(int offset, int value) {
        if (offset == 0 && (value == ACPI_ENABLE || value == ACPI_DISABLE)) {
          control = value == ACPI_ENABLE ? control | SCI_ENABLE : control & ~SCI_ENABLE;
          update();
        }
      }
    };
  }

  @Override
  public int in(int offset, int size) {
    int value = (int) map.read(offset, size, handler);
    if (trace.on(Trace.Category.ACPI)) {
      trace.line(Trace.Category.ACPI, "read  %x.%d -> %x", offset, size, value);
    }
    return value;
  }

  @Override
  public void out(int offset, int size, int value) {
    if (trace.on(Trace.Category.ACPI)) {
      trace.line(Trace.Category.ACPI, "write %x.%d <- %x", offset, size, value);
    }
    map.write(offset, size, value & 0xFFFF_FFFFL, handler);
  }

  @Override
  public SavedState save() {
    return new SavedState()
        .put("status", status)
        .put("enable", enable)
        .put("control", control)
        .put("lookedAt", lookedAt);
  }

  @Override
  public void restore(SavedState state) {
    status = state.getInt("status") & STATUS_BITS;
    enable = state.getInt("enable") & ENABLE_BITS;
    control = state.getInt("control") & (CONTROL_BITS | SCI_ENABLE);
    lookedAt = state.getLong("lookedAt");
    schedule();
  }

  @Override
  public void reset() {
    status = 0;
    enable = 0;
    control = settings.startsInAcpiMode ? SCI_ENABLE : 0;
    lookedAt = clock.nanos();
    update();
  }

  private long readRegister(Register register) {
    return switch (register) {
      case STATUS -> {
        look();
        yield status;
      }
      case ENABLE -> enable;
      case CONTROL -> control;
      case TIMER -> ticks(clock.nanos()) & (1L << settings.width.bits) - 1;
    };
  }

  private void writeRegister(Register register, int value, int mask) {
    switch (register) {
      case STATUS -> {
        look();
        status &= ~value;
      }
      case ENABLE -> enable = (enable & ~mask | value) & ENABLE_BITS;
      case CONTROL -> {
        control = control & ~(mask & CONTROL_BITS) | value & CONTROL_BITS;
        int type = control >> SLEEP_TYPE_SHIFT & 7;
        if ((value & SLEEP_ENABLE) != 0 && type == settings.offType) {
          powerOff.run();
        }
      }
      case TIMER -> {
        // Read only.
      }
    }
    update();
  }

  private static long ticks(long nanos) {
    return Clock.toTicks(nanos, HERTZ);
  }

  /** Counts how often the timer's highest bit has changed. */
  private long changes(long nanos) {
    return ticks(nanos) >> settings.width.bits - 1;
  }

  private void look() {
    long now = clock.nanos();
    if (changes(now) != changes(lookedAt)) {
      status |= TIMER_EVENT;
    }
    lookedAt = now;
  }

  private void update() {
    look();
    sci.set((control & SCI_ENABLE) != 0 && (status & enable) != 0);
    schedule();
  }

  private void schedule() {
    boolean wanted = (enable & TIMER_EVENT) != 0 && (status & TIMER_EVENT) == 0;
    long next = changes(lookedAt) + 1 << settings.width.bits - 1;
    timer.at(wanted ? Clock.fromTicks(next, HERTZ) : Timers.NEVER);
  }
}
