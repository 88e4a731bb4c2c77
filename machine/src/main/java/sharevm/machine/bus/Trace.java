package sharevm.machine.bus;

import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Readable lines about what chips do, by category. Costs a test of a constant where it is off:
 * callers ask {@link #on} before they make arguments.
 */
public final class Trace {
  /** What can be traced. */
  public enum Category {
    CPU,
    BLOCKS,
    APIC,
    IOAPIC,
    PIC,
    PIT,
    RTC,
    UART,
    KEYBOARD,
    PCI,
    ACPI,
    PORT,
    MMIO;

    /** Returns the name as it is written on the command line. */
    public String word() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** Traces nothing. */
  public static final Trace OFF = new Trace(() -> 0, EnumSet.noneOf(Category.class), _ -> {});

  private final Clock clock;
  private final int enabled;
  private final Consumer<String> sink;

  /**
   * Makes one.
   *
   * @param sink takes a line without line end; called from any thread
   */
  public Trace(Clock clock, Set<Category> categories, Consumer<String> sink) {
    this.clock = clock;
    this.sink = sink;
    int mask = 0;
    for (Category category : categories) {
      mask |= 1 << category.ordinal();
    }
    enabled = mask;
  }

  /** Returns whether a category is traced. */
  public boolean on(Category category) {
    return (enabled >>> category.ordinal() & 1) != 0;
  }

  /** Writes a line: time in microseconds, category, text as of {@link String#format}. */
  public void line(Category category, String format, Object... arguments) {
    if (on(category)) {
      long nanos = clock.nanos();
      String text = String.format(Locale.ROOT, format, arguments);
      sink.accept(
          String.format(
              Locale.ROOT,
              "%6d.%06d %-8s %s",
              nanos / Clock.SECOND,
              nanos % Clock.SECOND / 1000,
              category.word(),
              text));
    }
  }
}
