package sharevm.library.debian;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a package index says of one package (Debian Policy 5.6, Debian Repository Format
 * "Packages").
 *
 * @param sha256 in lower-case hexadecimal
 * @param size of the package file, in bytes
 * @param depends as it stands, possibly empty
 */
record PackageRecord(String name, String version, String sha256, long size, String depends) {
  private static final Pattern FIELD = Pattern.compile("(?m)^([A-Za-z0-9-]+): *(.*)$");
  private static final Pattern KERNEL = Pattern.compile("\\blinux-image-[0-9][a-z0-9.+-]*");

  /** Returns the first record of an index, or nothing when there is none that is whole. */
  static Optional<PackageRecord> parse(String index) {
    Map<String, String> fields = new HashMap<>();
    Matcher matcher = FIELD.matcher(index.strip().split("\n\n", 2)[0]);
    while (matcher.find()) {
      fields.putIfAbsent(matcher.group(1), matcher.group(2).strip());
    }
    String size = fields.getOrDefault("Size", "");
    String sha256 = fields.getOrDefault("SHA256", "");
    if (!fields.containsKey("Package")
        || !fields.containsKey("Version")
        || !size.matches("[0-9]{1,12}")
        || !sha256.matches("[0-9a-f]{64}")) {
      return Optional.empty();
    }
    return Optional.of(
        new PackageRecord(
            fields.get("Package"),
            fields.get("Version"),
            sha256,
            Long.parseLong(size),
            fields.getOrDefault("Depends", "")));
  }

  /** Returns the name of the kernel package that this one only points to, if it does. */
  Optional<String> kernelPointedTo() {
    Matcher matcher = KERNEL.matcher(depends);
    return name.matches("linux-image-[0-9]+\\..*") || !matcher.find()
        ? Optional.empty()
        : Optional.of(matcher.group());
  }
}
