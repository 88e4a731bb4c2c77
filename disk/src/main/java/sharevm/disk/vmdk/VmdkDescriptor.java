package sharevm.disk.vmdk;

import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import sharevm.disk.DiskException;

/**
 * The text that describes a VMDK (VMware Virtual Disk Format 5.0, "The Descriptor File"), embedded
 * or a file of its own. It is kept line by line, so that what is not understood survives a change.
 */
final class VmdkDescriptor {
  /** "parentCID" of a disk without a parent. */
  static final long NO_PARENT = 0xffffffffL;

  private static final Pattern EXTENT =
      Pattern.compile(
          "^(RW|RDONLY|NOACCESS)\\s+(\\d{1,18})\\s+([A-Z0-9]+)(?:\\s+\"([^\"]*)\"(?:\\s+(\\d{1,18}))?.*)?\\s*$",
          Pattern.CASE_INSENSITIVE);

  /**
   * One line of the "Extent description".
   *
   * @param access RW, RDONLY or NOACCESS
   * @param sectors how many of 512 bytes
   * @param type FLAT, SPARSE, ZERO, VMFS, VMFSSPARSE, SESPARSE...
   * @param file the file's name; empty for ZERO
   * @param offset of the first sector in a flat file, in sectors
   */
  record ExtentLine(String access, long sectors, String type, String file, long offset) {}

  private final List<String> lines;
  private final Charset charset;

  private VmdkDescriptor(List<String> lines, Charset charset) {
    this.lines = lines;
    this.charset = charset;
  }

  /** Parses a descriptor; zero bytes end it. */
  static VmdkDescriptor parse(byte[] bytes, String file) throws DiskException {
    int end = 0;
    while (end < bytes.length && bytes[end] != 0) {
      end++;
    }
    String plain = new String(bytes, 0, end, StandardCharsets.ISO_8859_1);
    Matcher named = Pattern.compile("(?mi)^\\s*encoding\\s*=\\s*\"([^\"]{1,40})\"").matcher(plain);
    Charset charset = StandardCharsets.UTF_8;
    if (named.find()) {
      try {
        charset = Charset.forName(named.group(1));
      } catch (IllegalArgumentException _) {
        charset = StandardCharsets.UTF_8;
      }
    }
    String text = new String(bytes, 0, end, charset);
    VmdkDescriptor descriptor = new VmdkDescriptor(new ArrayList<>(text.lines().toList()), charset);
    if (descriptor.get("createType").isEmpty() && descriptor.extents().isEmpty()) {
      throw DiskException.corrupt(file, 0, "this is no VMDK descriptor");
    }
    return descriptor;
  }

  /** A descriptor of the given lines. */
  static VmdkDescriptor of(List<String> lines) {
    return new VmdkDescriptor(new ArrayList<>(lines), StandardCharsets.UTF_8);
  }

  byte[] toBytes() {
    return (String.join("\n", lines) + "\n").getBytes(charset);
  }

  private static Optional<String> valueOf(String line, String key) {
    int equals = line.indexOf('=');
    if (equals < 0 || !line.substring(0, equals).strip().equalsIgnoreCase(key)) {
      return Optional.empty();
    }
    String value = line.substring(equals + 1).strip();
    boolean quoted = value.length() >= 2 && value.startsWith("\"") && value.endsWith("\"");
    return Optional.of(quoted ? value.substring(1, value.length() - 1) : value);
  }

  /** The value of a key; empty when there is none. */
  String get(String key) {
    return lines.stream().flatMap(line -> valueOf(line, key).stream()).findFirst().orElse("");
  }

  /** Changes a key's line, or adds one after "createType". */
  void set(String key, String value) {
    for (int i = 0; i < lines.size(); i++) {
      if (valueOf(lines.get(i), key).isPresent()) {
        lines.set(i, key + "=" + value);
        return;
      }
    }
    int at = 0;
    for (int i = 0; i < lines.size(); i++) {
      at = valueOf(lines.get(i), "createType").isPresent() ? i + 1 : at;
    }
    lines.add(at, key + "=" + value);
  }

  void remove(String key) {
    lines.removeIf(line -> valueOf(line, key).isPresent());
  }

  long cid(String key) throws DiskException {
    String text = get(key);
    if (text.isEmpty()) {
      return NO_PARENT;
    }
    if (!text.matches("[0-9a-fA-F]{1,8}")) {
      throw DiskException.corrupt(get("createType"), 0, key + " is '" + text + "'");
    }
    return Long.parseLong(text, 16);
  }

  List<ExtentLine> extents() {
    List<ExtentLine> extents = new ArrayList<>();
    for (String line : lines) {
      Matcher matcher = EXTENT.matcher(line.strip());
      if (matcher.matches()) {
        extents.add(
            new ExtentLine(
                matcher.group(1).toUpperCase(Locale.ROOT),
                Long.parseLong(matcher.group(2)),
                matcher.group(3).toUpperCase(Locale.ROOT),
                matcher.group(4) == null ? "" : matcher.group(4),
                matcher.group(5) == null ? 0 : Long.parseLong(matcher.group(5))));
      }
    }
    return extents;
  }

  /** Replaces the length in the only extent's line. */
  private void setSectors(long sectors) {
    for (int i = 0; i < lines.size(); i++) {
      if (EXTENT.matcher(lines.get(i).strip()).matches()) {
        lines.set(i, lines.get(i).replaceFirst("\\d+", Long.toString(sectors)));
      }
    }
  }

  /** Notes another size of a disk of one extent; the geometry keeps its heads and sectors. */
  void setSize(long size) {
    setSectors(size / 512);
    String heads = get("ddb.geometry.heads");
    if (heads.matches("\\d{1,3}")) {
      long cylinders = cylinders(size, Math.max(1, Integer.parseInt(heads)));
      set("ddb.geometry.cylinders", "\"" + cylinders + "\"");
    }
  }

  /** Of 63 sectors a track; ATA counts no more than 16,383 where there are 16 heads. */
  private static long cylinders(long size, int heads) {
    return Math.min(heads == 16 ? 16383 : 65535, size / 512 / 63 / heads);
  }

  String adapterType() {
    return get("ddb.adapterType");
  }

  /** The descriptor of a new disk, in the order that VMware writes it. */
  static VmdkDescriptor make(
      String createType,
      String adapter,
      long size,
      List<String> extents,
      long parentCid,
      String hint) {
    int heads = adapter.equals("ide") ? 16 : 255;
    long cylinders = cylinders(size, heads);
    List<String> lines = new ArrayList<>();
    lines.add("# Disk DescriptorFile");
    lines.add("version=1");
    lines.add("encoding=\"UTF-8\"");
    lines.add(String.format("CID=%08x", newCid()));
    lines.add(String.format("parentCID=%08x", parentCid));
    lines.add("createType=\"" + createType + "\"");
    if (!hint.isEmpty()) {
      lines.add("parentFileNameHint=\"" + hint + "\"");
    }
    lines.add("");
    lines.add("# Extent description");
    lines.addAll(extents);
    lines.add("");
    lines.add("# The Disk Data Base");
    lines.add("#DDB");
    lines.add("");
    lines.add("ddb.virtualHWVersion = \"4\"");
    lines.add("ddb.geometry.cylinders = \"" + cylinders + "\"");
    lines.add("ddb.geometry.heads = \"" + heads + "\"");
    lines.add("ddb.geometry.sectors = \"63\"");
    lines.add("ddb.adapterType = \"" + adapter + "\"");
    return of(lines);
  }

  /** A content id that is neither "none" nor VMware's "not set". */
  static long newCid() {
    return java.util.concurrent.ThreadLocalRandom.current().nextLong(1, 0xfffffffeL);
  }
}
