package sharevm.machine.chip.rtc146818;

/** Addresses and bits in the data sheet's words. */
final class Bits {
  /** Address 0: seconds. @ref [MC146818A] "Address Map" */
  static final int SECONDS = 0;

  /** Address 1: seconds alarm. */
  static final int SECONDS_ALARM = 1;

  /** Address 2: minutes. */
  static final int MINUTES = 2;

  /** Address 3: minutes alarm. */
  static final int MINUTES_ALARM = 3;

  /** Address 4: hours. */
  static final int HOURS = 4;

  /** Address 5: hours alarm. */
  static final int HOURS_ALARM = 5;

  /** Address 6: day of the week, 1 is Sunday. */
  static final int DAY_OF_WEEK = 6;

  /** Address 7: date of the month. */
  static final int DATE = 7;

  /** Address 8: month. */
  static final int MONTH = 8;

  /** Address 9: year, 0 to 99. */
  static final int YEAR = 9;

  /** Address 10: register A. */
  static final int REGISTER_A = 10;

  /** Address 11: register B. */
  static final int REGISTER_B = 11;

  /** Address 12: register C, read only. */
  static final int REGISTER_C = 12;

  /** Address 13: register D, read only. */
  static final int REGISTER_D = 13;

  /** Address 32h: the century, as PC firmware uses this byte of RAM and the FADT says. */
  static final int CENTURY = 0x32;

  /** Register A: update in progress (UIP). @ref [MC146818A] "Register A" */
  static final int A_UPDATE_IN_PROGRESS = 1 << 7;

  /** Register A: DV2 and DV1, both set hold the divider chain in reset. */
  static final int A_DIVIDER_RESET = 3 << 5;

  /** Register A: rate selection RS3 to RS0. */
  static final int A_RATE = 0x0F;

  /** Register B: SET, stops updates. @ref [MC146818A] "Register B" */
  static final int B_SET = 1 << 7;

  /** Register B: periodic interrupt enable (PIE); the same bit of C is its flag (PF). */
  static final int PERIODIC = 1 << 6;

  /** Register B: alarm interrupt enable (AIE); the same bit of C is its flag (AF). */
  static final int ALARM = 1 << 5;

  /** Register B: update-ended interrupt enable (UIE); the same bit of C is its flag (UF). */
  static final int UPDATE_ENDED = 1 << 4;

  /** Register B: data mode (DM), binary if set, else BCD. */
  static final int B_BINARY = 1 << 2;

  /** Register B: 24/12, 24-hour mode if set. */
  static final int B_24_HOURS = 1 << 1;

  /** Register C: interrupt request flag (IRQF). @ref [MC146818A] "Register C" */
  static final int C_INTERRUPT = 1 << 7;

  /** Register D: valid RAM and time (VRT). @ref [MC146818A] "Register D" */
  static final int D_VALID = 1 << 7;

  /** In the hours of 12-hour mode: p.m. */
  static final int PM = 1 << 7;

  /**
   * An alarm byte with both upper bits set is "don't care". @ref [MC146818A] "Time, Calendar, and
   * Alarm"
   */
  static final int DONT_CARE = 0xC0;

  private Bits() {}
}
