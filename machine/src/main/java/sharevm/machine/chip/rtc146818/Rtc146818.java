package sharevm.machine.chip.rtc146818;

import static sharevm.machine.chip.rtc146818.Bits.ALARM;
import static sharevm.machine.chip.rtc146818.Bits.A_DIVIDER_RESET;
import static sharevm.machine.chip.rtc146818.Bits.A_RATE;
import static sharevm.machine.chip.rtc146818.Bits.A_UPDATE_IN_PROGRESS;
import static sharevm.machine.chip.rtc146818.Bits.B_24_HOURS;
import static sharevm.machine.chip.rtc146818.Bits.B_SET;
import static sharevm.machine.chip.rtc146818.Bits.CENTURY;
import static sharevm.machine.chip.rtc146818.Bits.C_INTERRUPT;
import static sharevm.machine.chip.rtc146818.Bits.DATE;
import static sharevm.machine.chip.rtc146818.Bits.DAY_OF_WEEK;
import static sharevm.machine.chip.rtc146818.Bits.D_VALID;
import static sharevm.machine.chip.rtc146818.Bits.HOURS;
import static sharevm.machine.chip.rtc146818.Bits.MINUTES;
import static sharevm.machine.chip.rtc146818.Bits.MONTH;
import static sharevm.machine.chip.rtc146818.Bits.PERIODIC;
import static sharevm.machine.chip.rtc146818.Bits.REGISTER_A;
import static sharevm.machine.chip.rtc146818.Bits.REGISTER_B;
import static sharevm.machine.chip.rtc146818.Bits.REGISTER_C;
import static sharevm.machine.chip.rtc146818.Bits.REGISTER_D;
import static sharevm.machine.chip.rtc146818.Bits.SECONDS;
import static sharevm.machine.chip.rtc146818.Bits.UPDATE_ENDED;
import static sharevm.machine.chip.rtc146818.Bits.YEAR;

import java.time.Instant;
import sharevm.cpu.SavedState;
import sharevm.machine.bus.BytePorts;
import sharevm.machine.bus.Clock;
import sharevm.machine.bus.InterruptLine;
import sharevm.machine.bus.Part;
import sharevm.machine.bus.Timers;
import sharevm.machine.bus.Trace;

/**
 * The clock chip behind an address and a data register.
 *
 * <p>Time is a second and the moment at which it began; flags are found out when someone looks, and
 * a timer runs only for an enabled interrupt that is not already requested. So a guest that does
 * not read register C causes no more work, and periodic interrupts that it missed are made up for,
 * up to {@link #MAX_OWED} of them, at twice the rate.
 */
public final class Rtc146818 implements BytePorts, Part {
  /** The number of registers: address and data. */
  public static final int PORTS = 2;

  /** Bytes of time, control and RAM. */
  public static final int BYTES = 128;

  /** The most missed periodic interrupts that are made up for. */
  static final int MAX_OWED = 20;

  /** The time base in Hz. */
  private static final long BASE_HERTZ = 32_768;

  /**
   * UIP is set from 244 us before the update, which takes 1984 us, to its end. @ref [MC146818A]
   * "Update Cycle"
   */
  private static final long UPDATE_NANOS = 2_228_000;

  /**
   * After the divider's reset the first update comes half a second later. @ref [MC146818A]
   * "Register A"
   */
  private static final long FIRST_UPDATE_NANOS = Clock.SECOND / 2;

  private static final int ENABLES = PERIODIC | ALARM | UPDATE_ENDED;

  private final Clock clock;
  private final InterruptLine line;
  private final Trace trace;
  private final Timers.Timer timer;
  private final byte[] bytes = new byte[BYTES];
  private int address;
  private int flags;
  private long second;
  private long secondBegan;
  private int weekdayShift;
  private long lookedAt;
  private long countedAt;
  private boolean madeUp;
  private int owed;
  private long owedAt = Timers.NEVER;

  /**
   * Makes one with cleared RAM.
   *
   * @param atZero the date and time, taken as UTC, when the machine's clock shows 0
   */
  public Rtc146818(Timers timers, InterruptLine line, Instant atZero, Trace trace) {
    clock = timers.clock();
    this.line = line;
    this.trace = trace;
    timer = timers.timer("rtc", this::update);
    second = atZero.getEpochSecond();
    secondBegan = -atZero.getNano();
    // 32768 Hz base, 1024 Hz rate, 24 hours, BCD: what PC firmware leaves behind.
    bytes[REGISTER_A] = 0x26;
    bytes[REGISTER_B] = B_24_HOURS;
    lookedAt = clock.nanos();
    countedAt = lookedAt;
  }

  /** Sets date and time, for example after a restore; the guest is not told. */
  public void time(Instant now) {
    look();
    long nanos = clock.nanos();
    second = now.getEpochSecond();
    secondBegan = nanos - now.getNano();
    weekdayShift = 0;
    if (held()) {
      Calendar.store(second, weekdayShift, registerB(), bytes);
    }
    schedule();
  }

  /** Sets a byte of RAM, 0Eh to 7Fh, as firmware does. */
  public void ram(int index, int value) {
    if (index <= REGISTER_D || index >= BYTES) {
      throw new IllegalArgumentException("no byte of RAM: %#x".formatted(index));
    }
    bytes[index] = (byte) value;
  }

  /**
   * Puts the sizes of memory where PC firmware has them: base and extended memory in KiB (15h to
   * 18h, 30h, 31h), memory between 16 MiB and 4 GiB and above 4 GiB in units of 64 KiB (34h, 35h;
   * 5Bh to 5Dh).
   *
   * @param low bytes of RAM below 4 GiB
   * @param high bytes of RAM above 4 GiB
   */
  public void memorySize(long low, long high) {
    int extended = (int) Math.min(0xFFFF, (low >> 10) - 1024);
    int above16 = (int) Math.min(0xFFFF, Math.max(0, low - (16 << 20)) >> 16);
    int above4g = (int) Math.min(0xFF_FFFF, high >> 16);
    pair(0x15, 640);
    pair(0x17, extended);
    pair(0x30, extended);
    pair(0x34, above16);
    pair(0x5B, above4g);
    ram(0x5D, above4g >> 16);
  }

  @Override
  public int read(int offset) {
    if ((offset & 1) == 0) {
      return 0xFF;
    }
    int value = readByte();
    if (trace.on(Trace.Category.RTC)) {
      trace.line(Trace.Category.RTC, "read  %02x -> %02x", address, value);
    }
    return value;
  }

  @Override
  public void write(int offset, int value) {
    if ((offset & 1) == 0) {
      // Bit 7 of the address port masks the NMI, which nothing here raises.
      address = value & BYTES - 1;
      return;
    }
    if (trace.on(Trace.Category.RTC)) {
      trace.line(Trace.Category.RTC, "write %02x <- %02x", address, value);
    }
    look();
    switch (address) {
      case SECONDS, MINUTES, HOURS, DAY_OF_WEEK, DATE, MONTH, YEAR, CENTURY -> writeTime(value);
      case REGISTER_A -> writeControl(value & ~A_UPDATE_IN_PROGRESS, registerB());
      case REGISTER_B ->
          writeControl(registerA(), (value & B_SET) != 0 ? value & ~UPDATE_ENDED : value);
      case REGISTER_C, REGISTER_D -> {
        // Read only.
      }
      default -> bytes[address] = (byte) value;
    }
    update();
  }

  @Override
  public SavedState save() {
    return new SavedState()
        .put("bytes", bytes)
        .put("address", address)
        .put("flags", flags)
        .put("second", second)
        .put("secondBegan", secondBegan)
        .put("weekdayShift", weekdayShift)
        .put("lookedAt", lookedAt)
        .put("countedAt", countedAt)
        .put("madeUp", madeUp)
        .put("owed", owed);
  }

  @Override
  public void restore(SavedState state) {
    byte[] saved = state.getBytes("bytes");
    System.arraycopy(saved, 0, bytes, 0, Math.min(saved.length, BYTES));
    address = state.getInt("address") & BYTES - 1;
    flags = state.getInt("flags") & ENABLES;
    second = state.getLong("second");
    secondBegan = state.getLong("secondBegan");
    weekdayShift = state.getInt("weekdayShift");
    lookedAt = state.getLong("lookedAt");
    countedAt = state.getLong("countedAt");
    madeUp = state.getBoolean("madeUp");
    owed = Math.clamp(state.getLong("owed"), 0, MAX_OWED);
    schedule();
  }

  /** The reset pin clears the interrupt enables and flags only. @ref [MC146818A] "RESET" */
  @Override
  public void reset() {
    look();
    flags = 0;
    owed = 0;
    bytes[REGISTER_B] &= ~ENABLES;
    address = 0;
    update();
  }

  private int registerA() {
    return bytes[REGISTER_A] & 0xFF;
  }

  private int registerB() {
    return bytes[REGISTER_B] & 0xFF;
  }

  private boolean dividerReset() {
    return (registerA() & A_DIVIDER_RESET) == A_DIVIDER_RESET;
  }

  /** Whether the time stands, and the bytes hold it as the guest left it. */
  private boolean held() {
    return (registerB() & B_SET) != 0 || dividerReset();
  }

  private int readByte() {
    switch (address) {
      case SECONDS, MINUTES, HOURS, DAY_OF_WEEK, DATE, MONTH, YEAR, CENTURY -> showTime();
      case REGISTER_A -> {
        return registerA() | (updating() ? A_UPDATE_IN_PROGRESS : 0);
      }
      case REGISTER_C -> {
        return readFlags();
      }
      case REGISTER_D -> {
        return D_VALID;
      }
      default -> {
        // A plain byte.
      }
    }
    return bytes[address] & 0xFF;
  }

  private int readFlags() {
    look();
    int value = flags | (interrupting() ? C_INTERRUPT : 0);
    if ((registerB() & flags & PERIODIC) != 0) {
      long passed = periods(lookedAt) - periods(countedAt);
      long missed = madeUp ? passed : Math.max(0, passed - 1);
      owed = (int) Math.min(MAX_OWED, owed + missed);
    }
    countedAt = lookedAt;
    flags = 0;
    update();
    return value;
  }

  private boolean updating() {
    long phase = Math.floorMod(clock.nanos() - secondBegan, Clock.SECOND);
    return !held() && phase >= Clock.SECOND - UPDATE_NANOS;
  }

  private long secondAt(long nanos) {
    return second + Math.floorDiv(nanos - secondBegan, Clock.SECOND);
  }

  private void showTime() {
    if (!held()) {
      Calendar.store(secondAt(clock.nanos()), weekdayShift, registerB(), bytes);
    }
  }

  private void writeTime(int value) {
    showTime();
    bytes[address] = (byte) value;
    if (!held()) {
      takeTime();
    }
  }

  /** Goes on from the time in the bytes, in step with the divider. */
  private void takeTime() {
    long now = clock.nanos();
    secondBegan = now - Math.floorMod(now - secondBegan, Clock.SECOND);
    second = Calendar.load(bytes, registerB());
    weekdayShift = Calendar.weekdayShift(bytes, second, registerB());
  }

  private void writeControl(int a, int b) {
    boolean wasHeld = held();
    boolean wasReset = dividerReset();
    if (!wasHeld) {
      Calendar.store(secondAt(clock.nanos()), weekdayShift, b, bytes);
    }
    bytes[REGISTER_A] = (byte) a;
    bytes[REGISTER_B] = (byte) b;
    owed = 0;
    countedAt = lookedAt;
    if (wasReset && !dividerReset()) {
      secondBegan = clock.nanos() - FIRST_UPDATE_NANOS;
    }
    if (wasHeld && !held()) {
      takeTime();
    }
  }

  /**
   * Ticks of the time base between two periodic interrupts, 0 for none. @ref [MC146818A] "Periodic
   * Interrupt Rate"
   */
  private long periodTicks() {
    int rate = registerA() & A_RATE;
    if (rate == 0 || dividerReset()) {
      return 0;
    }
    return 1L << (rate <= 2 ? rate + 7 : rate) - 1;
  }

  /** Counts the periodic edges up to a moment, from an arbitrary start. */
  private long periods(long nanos) {
    long ticks = periodTicks();
    long since = nanos - secondBegan;
    // The phase of a second is that of the divider; a second is a whole number of periods.
    return ticks == 0
        ? 0
        : Math.floorDiv(since, Clock.SECOND) * (BASE_HERTZ / ticks)
            + Clock.toTicks(Math.floorMod(since, Clock.SECOND), BASE_HERTZ) / ticks;
  }

  private long periodicEdge(long number) {
    long perSecond = BASE_HERTZ / periodTicks();
    return secondBegan
        + Math.floorDiv(number, perSecond) * Clock.SECOND
        + Clock.fromTicks(Math.floorMod(number, perSecond) * periodTicks(), BASE_HERTZ);
  }

  /** Finds out what has happened since the last look and sets its flags. */
  private void look() {
    long now = clock.nanos();
    if ((flags & PERIODIC) == 0 && periods(now) > periods(lookedAt)) {
      flags |= PERIODIC;
      madeUp = false;
    }
    if (!held()) {
      long last = secondAt(lookedAt);
      long present = secondAt(now);
      if (present > last) {
        flags |= UPDATE_ENDED;
        if (Calendar.nextAlarm(last + 1, bytes, registerB()) <= present) {
          flags |= ALARM;
        }
      }
    }
    lookedAt = now;
  }

  private boolean interrupting() {
    return (flags & registerB() & ENABLES) != 0;
  }

  private void update() {
    look();
    if (owed > 0 && (registerB() & PERIODIC) != 0 && (flags & PERIODIC) == 0 && timerDue()) {
      owed--;
      flags |= PERIODIC;
      madeUp = true;
    }
    line.set(interrupting());
    schedule();
  }

  private boolean timerDue() {
    return owedAt != Timers.NEVER && clock.nanos() >= owedAt;
  }

  private void schedule() {
    int enabled = registerB() & ENABLES;
    long at = Timers.NEVER;
    owedAt = Timers.NEVER;
    if (!interrupting()) {
      if ((enabled & PERIODIC) != 0 && periodTicks() != 0) {
        at = periodicEdge(periods(lookedAt) + 1);
        if (owed > 0) {
          owedAt = lookedAt + Clock.fromTicks(periodTicks(), 2 * BASE_HERTZ);
          at = Math.min(at, owedAt);
        }
      }
      long nextSecond = secondBegan + (secondAt(lookedAt) + 1 - second) * Clock.SECOND;
      if ((enabled & UPDATE_ENDED) != 0 && !held()) {
        at = Math.min(at, nextSecond);
      }
      if ((enabled & ALARM) != 0 && !held()) {
        long alarm = Calendar.nextAlarm(secondAt(lookedAt) + 1, bytes, registerB());
        if (alarm != Long.MAX_VALUE) {
          at = Math.min(at, secondBegan + (alarm - second) * Clock.SECOND);
        }
      }
    }
    timer.at(at);
  }

  private void pair(int index, int value) {
    ram(index, value);
    ram(index + 1, value >> 8);
  }
}
