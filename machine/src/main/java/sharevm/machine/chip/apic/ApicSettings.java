package sharevm.machine.chip.apic;

/**
 * What a local APIC must know of its machine.
 *
 * @param timerHertz the timer's frequency before division, 1 to 2^33
 * @param tscHertz the time-stamp counter's frequency, 1 to 2^33
 */
public record ApicSettings(long timerHertz, long tscHertz) {
  /** Checks the ranges. */
  public ApicSettings {
    if (timerHertz < 1 || timerHertz > 1L << 33 || tscHertz < 1 || tscHertz > 1L << 33) {
      throw new IllegalArgumentException(
          "frequencies of %d and %d Hz".formatted(timerHertz, tscHertz));
    }
  }
}
