package sharevm.machine.chip.rtc146818;

import static sharevm.machine.chip.rtc146818.Bits.B_24_HOURS;
import static sharevm.machine.chip.rtc146818.Bits.B_BINARY;
import static sharevm.machine.chip.rtc146818.Bits.CENTURY;
import static sharevm.machine.chip.rtc146818.Bits.DATE;
import static sharevm.machine.chip.rtc146818.Bits.DAY_OF_WEEK;
import static sharevm.machine.chip.rtc146818.Bits.DONT_CARE;
import static sharevm.machine.chip.rtc146818.Bits.HOURS;
import static sharevm.machine.chip.rtc146818.Bits.HOURS_ALARM;
import static sharevm.machine.chip.rtc146818.Bits.MINUTES;
import static sharevm.machine.chip.rtc146818.Bits.MINUTES_ALARM;
import static sharevm.machine.chip.rtc146818.Bits.MONTH;
import static sharevm.machine.chip.rtc146818.Bits.PM;
import static sharevm.machine.chip.rtc146818.Bits.SECONDS;
import static sharevm.machine.chip.rtc146818.Bits.SECONDS_ALARM;
import static sharevm.machine.chip.rtc146818.Bits.YEAR;

import java.time.LocalDateTime;
import java.time.ZoneOffset;

/** Seconds since 1970 to the chip's bytes and back, in the formats that register B selects. */
final class Calendar {
  private static final int SECONDS_OF_DAY = 86_400;
  private static final long LAST_SECOND = 253_402_300_799L;

  private Calendar() {}

  /** Puts the time into the bytes 0, 2, 4, 6 to 9 and the century. */
  static void store(long seconds, int weekdayShift, int registerB, byte[] bytes) {
    long valid = Math.clamp(seconds, 0, LAST_SECOND);
    LocalDateTime time = LocalDateTime.ofEpochSecond(valid, 0, ZoneOffset.UTC);
    int weekday = Math.floorMod(time.getDayOfWeek().getValue() + weekdayShift, 7) + 1;
    bytes[SECONDS] = (byte) encode(time.getSecond(), registerB);
    bytes[MINUTES] = (byte) encode(time.getMinute(), registerB);
    bytes[HOURS] = (byte) encodeHour(time.getHour(), registerB);
    bytes[DAY_OF_WEEK] = (byte) encode(weekday, registerB);
    bytes[DATE] = (byte) encode(time.getDayOfMonth(), registerB);
    bytes[MONTH] = (byte) encode(time.getMonthValue(), registerB);
    bytes[YEAR] = (byte) encode(time.getYear() % 100, registerB);
    bytes[CENTURY] = (byte) encode(time.getYear() / 100, registerB);
  }

  /**
   * Reads the time from the bytes; values that no calendar has are brought to the nearest that it
   * has.
   */
  static long load(byte[] bytes, int registerB) {
    int century = Math.clamp(decode(bytes[CENTURY], registerB), 19, 99);
    int year = Math.max(1970, 100 * century + Math.clamp(decode(bytes[YEAR], registerB), 0, 99));
    LocalDateTime month =
        LocalDateTime.of(year, Math.clamp(decode(bytes[MONTH], registerB), 1, 12), 1, 0, 0);
    int lastDay = month.plusMonths(1).minusDays(1).getDayOfMonth();
    return month
        .withDayOfMonth(Math.clamp(decode(bytes[DATE], registerB), 1, lastDay))
        .withHour(Math.clamp(decodeHour(bytes[HOURS], registerB), 0, 23))
        .withMinute(Math.clamp(decode(bytes[MINUTES], registerB), 0, 59))
        .withSecond(Math.clamp(decode(bytes[SECONDS], registerB), 0, 59))
        .toEpochSecond(ZoneOffset.UTC);
  }

  /** Returns how many days the weekday byte is ahead of the calendar's weekday. */
  static int weekdayShift(byte[] bytes, long seconds, int registerB) {
    int weekday = LocalDateTime.ofEpochSecond(seconds, 0, ZoneOffset.UTC).getDayOfWeek().getValue();
    return Math.floorMod(decode(bytes[DAY_OF_WEEK], registerB) - 1 - weekday, 7);
  }

  /**
   * Returns the first second from {@code from} on that the alarm bytes match, or the largest long.
   */
  static long nextAlarm(long from, byte[] bytes, int registerB) {
    long seconds = matches(bytes[SECONDS_ALARM], 60, registerB, false);
    long minutes = matches(bytes[MINUTES_ALARM], 60, registerB, false);
    long hours = matches(bytes[HOURS_ALARM], 24, registerB, true);
    if (seconds == 0 || minutes == 0 || hours == 0) {
      return Long.MAX_VALUE;
    }
    long midnight = from - Math.floorMod(from, SECONDS_OF_DAY);
    int ofDay = (int) (from - midnight);
    int minuteOfDay = ofDay / 60;
    if (has(hours, minuteOfDay / 60) && has(minutes, minuteOfDay % 60)) {
      long later = seconds >>> ofDay % 60;
      if (later != 0) {
        return from + Long.numberOfTrailingZeros(later);
      }
    }
    int firstSecond = Long.numberOfTrailingZeros(seconds);
    for (int minute = minuteOfDay + 1; ; minute++) {
      if (has(hours, minute / 60 % 24) && has(minutes, minute % 60)) {
        return midnight + 60L * minute + firstSecond;
      }
    }
  }

  private static boolean has(long set, int value) {
    return (set >>> value & 1) != 0;
  }

  private static long matches(byte alarm, int range, int registerB, boolean hour) {
    if ((alarm & DONT_CARE) == DONT_CARE) {
      return (1L << range) - 1;
    }
    int value = hour ? decodeHour(alarm, registerB) : decode(alarm, registerB);
    return value >= 0 && value < range ? 1L << value : 0;
  }

  private static int encode(int value, int registerB) {
    return (registerB & B_BINARY) != 0 ? value : value / 10 << 4 | value % 10;
  }

  private static int decode(int raw, int registerB) {
    int value = raw & 0xFF;
    return (registerB & B_BINARY) != 0 ? value : (value >> 4) * 10 + (value & 0x0F);
  }

  private static int encodeHour(int hour, int registerB) {
    if ((registerB & B_24_HOURS) != 0) {
      return encode(hour, registerB);
    }
    int twelve = hour % 12 == 0 ? 12 : hour % 12;
    return encode(twelve, registerB) | (hour >= 12 ? PM : 0);
  }

  private static int decodeHour(int raw, int registerB) {
    if ((registerB & B_24_HOURS) != 0) {
      return decode(raw, registerB);
    }
    int twelve = decode(raw & ~PM, registerB);
    return twelve % 12 + ((raw & PM) != 0 ? 12 : 0);
  }
}
