package sharevm.app.disk;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Sizes as people write them. */
final class Sizes implements ITypeConverter<Long> {
  private static final String UNITS = "KMGT";
  private static final Pattern SIZE =
      Pattern.compile("(\\d{1,18})([KMGT]?)(?:i?B)?", Pattern.CASE_INSENSITIVE);

  @Override
  public Long convert(String text) {
    Matcher matcher = SIZE.matcher(text);
    if (!matcher.matches()) {
      throw new TypeConversionException("'" + text + "' is no size such as 512M or 20G");
    }
    String unit = matcher.group(2).toUpperCase(Locale.ROOT);
    int shift = unit.isEmpty() ? 0 : 10 * (UNITS.indexOf(unit) + 1);
    try {
      return Math.multiplyExact(Long.parseLong(matcher.group(1)), 1L << shift);
    } catch (ArithmeticException _) {
      throw new TypeConversionException("'" + text + "' is too large");
    }
  }

  /** A size for people: "20 GiB (21474836480 bytes)". */
  static String text(long bytes) {
    int unit = 0;
    double value = bytes;
    while (value >= 1024 && unit < UNITS.length()) {
      value /= 1024;
      unit++;
    }
    if (unit == 0) {
      return bytes + " bytes";
    }
    String number = String.format(Locale.ROOT, "%.4g", value).replaceFirst("\\.?0+$", "");
    return number + " " + UNITS.charAt(unit - 1) + "iB (" + bytes + " bytes)";
  }
}
