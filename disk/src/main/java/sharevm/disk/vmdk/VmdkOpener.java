package sharevm.disk.vmdk;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import sharevm.disk.DiskException;
import sharevm.disk.DiskException.Kind;
import sharevm.disk.io.Bytes;
import sharevm.disk.io.FileStorage.Mode;
import sharevm.disk.io.Storage;
import sharevm.disk.io.Storages;
import sharevm.disk.layer.Layer;
import sharevm.disk.vmdk.VmdkDescriptor.ExtentLine;

/** Finds the descriptor of a VMDK and opens what it lists. */
public final class VmdkOpener {
  private static final int MOST_DESCRIPTOR = 1 << 20;
  private static final int MOST_EXTENTS = 20_000;
  private static final Pattern SUFFIX =
      Pattern.compile(
          "-(?:flat|delta|sesparse|rdm|[sf]\\d{3,6})\\.vmdk$", Pattern.CASE_INSENSITIVE);

  private final Storage home;
  private final Storages host;
  private final List<String> oddities = new ArrayList<>();

  private VmdkOpener(Storage home, Storages host) {
    this.home = home;
    this.host = host;
  }

  /** True when a file starts as a VMDK's extent or descriptor does. */
  public static boolean matches(ByteBuffer head) {
    if (head.limit() < 8) {
      return false;
    }
    int magic = Integer.reverseBytes(head.getInt(0));
    byte[] start = new byte[Math.min(head.limit(), 256)];
    head.get(0, start);
    String text = new String(start, StandardCharsets.ISO_8859_1).strip().toLowerCase(Locale.ROOT);
    return magic == SparseHeader.MAGIC
        || magic == SparseHeader.COWD_MAGIC
        || text.startsWith("# disk descriptorfile");
  }

  /** Opens a VMDK by its descriptor, or a single extent that has none. */
  public static Layer open(Storage home, Storages host) throws DiskException {
    return new VmdkOpener(home, host).open();
  }

  private Layer open() throws DiskException {
    ByteBuffer head = Bytes.buffer(4, ByteOrder.LITTLE_ENDIAN);
    home.readPadded(head, 0);
    int magic = head.getInt(0);
    if (magic == SparseHeader.MAGIC || magic == SparseHeader.COWD_MAGIC) {
      return openSparse(magic == SparseHeader.COWD_MAGIC);
    }
    long size = home.size();
    if (size > MOST_DESCRIPTOR) {
      throw DiskException.corrupt(home.name(), 0, "too large for a VMDK descriptor");
    }
    byte[] text = home.read(0, (int) size, ByteOrder.LITTLE_ENDIAN).array();
    VmdkDescriptor descriptor = VmdkDescriptor.parse(text, home.name());
    var place = new VmdkLayer.Place(home, Optional.of(descriptor), 0, MOST_DESCRIPTOR);
    List<VmdkExtent> extents = openExtents(descriptor);
    try {
      return new VmdkLayer(place, extents, oddities);
    } catch (DiskException | RuntimeException e) {
      closeAll(extents, e);
      throw e;
    }
  }

  private static void closeAll(List<VmdkExtent> extents, Exception reason) {
    for (VmdkExtent extent : extents) {
      for (Storage file : extent.files()) {
        try {
          file.close();
        } catch (DiskException e) {
          reason.addSuppressed(e);
        }
      }
    }
  }

  private Layer openSparse(boolean cowd) throws DiskException {
    SparseHeader header = SparseHeader.read(home);
    requireWritable(header, cowd);
    Optional<VmdkDescriptor> descriptor = Optional.empty();
    long room = header.descriptorSize() * SparseHeader.SECTOR;
    if (header.descriptorOffset() > 0) {
      if (room <= 0 || room > MOST_DESCRIPTOR || header.descriptorOffset() > home.size() / 512) {
        throw DiskException.corrupt(home.name(), 28, "the embedded descriptor is out of place");
      }
      byte[] text =
          home.read(header.descriptorOffset() * 512, (int) room, ByteOrder.LITTLE_ENDIAN).array();
      descriptor = Optional.of(VmdkDescriptor.parse(text, home.name()));
      List<ExtentLine> lines = descriptor.get().extents();
      if (lines.size() != 1) {
        throw DiskException.unsupported(home.name(), "an embedded descriptor of several extents");
      }
      String named = lines.getFirst().file();
      if (!named.equals(home.path().getFileName().toString())) {
        oddities.add("Its descriptor still names it '" + named + "'; it was renamed.");
      }
    } else {
      oddities.add("It is an extent without a descriptor; a parent, if any, is not known.");
    }
    if (header.unclean()) {
      oddities.add("It was not closed properly.");
    }
    VmdkExtent extent = new SparseExtent(home, header, header.capacity() * SparseHeader.SECTOR);
    var place = new VmdkLayer.Place(home, descriptor, header.descriptorOffset() * 512, room);
    return new VmdkLayer(place, List.of(extent), oddities);
  }

  private void requireWritable(SparseHeader header, boolean cowd) throws DiskException {
    if (home.writable() && (cowd || header.has(SparseHeader.COMPRESSED))) {
      throw new DiskException(
          Kind.UNSUPPORTED,
          home.name(),
          DiskException.NO_OFFSET,
          (cowd ? "an ESX sparse extent" : "a streamOptimized VMDK") + " is read-only here",
          "put a layer on top of it, or convert it");
    }
  }

  private List<VmdkExtent> openExtents(VmdkDescriptor descriptor) throws DiskException {
    List<ExtentLine> lines = descriptor.extents();
    if (lines.isEmpty() || lines.size() > MOST_EXTENTS) {
      throw DiskException.corrupt(
          home.name(), 0, "the descriptor lists " + lines.size() + " extents");
    }
    List<VmdkExtent> extents = new ArrayList<>();
    try {
      for (ExtentLine line : lines) {
        if (line.sectors() > 64 * Bytes.TIB / 512) {
          throw DiskException.corrupt(
              home.name(), 0, "an extent of " + line.sectors() + " sectors");
        }
        extents.add(openExtent(line));
      }
      return extents;
    } catch (DiskException | RuntimeException e) {
      closeAll(extents, e);
      throw e;
    }
  }

  private VmdkExtent openExtent(ExtentLine line) throws DiskException {
    long length = line.sectors() * SparseHeader.SECTOR;
    if (line.type().equals("ZERO")) {
      return new VmdkExtent.Zero(length);
    }
    if (line.access().equals("NOACCESS")) {
      throw DiskException.unsupported(home.name(), "an extent without access");
    }
    Storage file = host.open(find(line.file()), home.writable() ? Mode.WRITE : Mode.READ);
    try {
      return switch (line.type()) {
        case "FLAT", "VMFS" -> flat(file, line, length);
        case "SPARSE", "VMFSSPARSE" -> sparse(file, line, length);
        case "SESPARSE" -> seSparse(file, length);
        default -> throw DiskException.unsupported(home.name(), "extents of type " + line.type());
      };
    } catch (DiskException | RuntimeException e) {
      file.close();
      throw e;
    }
  }

  private VmdkExtent flat(Storage file, ExtentLine line, long length) throws DiskException {
    long offset = Math.multiplyExact(line.offset(), 512L);
    if (offset > file.size() || length > file.size() - offset) {
      throw DiskException.corrupt(
          file.name(), offset, "the extent is shorter than the descriptor says");
    }
    return new VmdkExtent.Flat(file, offset, length);
  }

  private VmdkExtent sparse(Storage file, ExtentLine line, long length) throws DiskException {
    SparseHeader header = SparseHeader.read(file);
    requireWritable(header, line.type().equals("VMFSSPARSE"));
    return new SparseExtent(file, header, length);
  }

  private VmdkExtent seSparse(Storage file, long length) throws DiskException {
    if (home.writable()) {
      throw new DiskException(
          Kind.UNSUPPORTED,
          home.name(),
          DiskException.NO_OFFSET,
          "a seSparse VMDK is read-only here",
          "put a layer on top of it, or convert it");
    }
    return new SeSparseExtent(file, length);
  }

  /**
   * An extent's file. It must be in the descriptor's directory or below: a disk from elsewhere
   * shall not show its reader any other file of this host.
   */
  private Path find(String named) throws DiskException {
    try {
      Path directory = home.path().toAbsolutePath().normalize().getParent();
      Path path = directory.resolve(named).normalize();
      if (!path.startsWith(directory)) {
        throw new DiskException(
            Kind.UNSUPPORTED,
            home.name(),
            DiskException.NO_OFFSET,
            "it names an extent outside its directory: " + named,
            "move the extent beside it and change the name in the descriptor");
      }
      Matcher suffix = SUFFIX.matcher(named);
      if (!Files.exists(path) && suffix.find()) {
        String own = home.path().getFileName().toString().replaceFirst("(?i)\\.vmdk$", "");
        Path renamed = directory.resolve(own + suffix.group());
        if (Files.exists(renamed)) {
          oddities.add("Its descriptor names the extent '" + named + "'; it was renamed.");
          return renamed;
        }
      }
      return path;
    } catch (InvalidPathException e) {
      throw DiskException.corrupt(home.name(), 0, "an extent is named '" + named + "'").causedBy(e);
    }
  }
}
