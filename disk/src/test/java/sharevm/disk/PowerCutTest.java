package sharevm.disk;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import sharevm.disk.DiskFormat.Qcow2;
import sharevm.disk.DiskFormat.Qcow2.Compression;
import sharevm.disk.DiskFormat.Vdi;
import sharevm.disk.DiskFormat.Vhd;
import sharevm.disk.DiskFormat.Vhdx;
import sharevm.disk.DiskFormat.Vmdk;
import sharevm.disk.DiskFormat.Vmdk.Variant;
import sharevm.disk.io.FileStorage;
import sharevm.disk.io.Storage;
import sharevm.disk.io.Storages;

/**
 * The writes of a random workload are recorded, and the image is rebuilt as a cut of power would
 * have left it: all writes up to one of them, that one torn at a sector; and, harder, only some of
 * those that no flush had followed. It opens, shows all that was flushed, and its tables are in
 * order.
 */
class PowerCutTest {
  private static final int SIZE = 3 << 20;
  private static final int SECTOR = 512;

  @TempDir Path dir;

  static Stream<DiskFormat> formats() {
    return Stream.of(
        new Qcow2(3, 16, Compression.ZLIB, false, false),
        new Qcow2(3, 9, Compression.ZLIB, false, false),
        new Qcow2(3, 14, Compression.ZLIB, true, false),
        new Vhd(false, 4096, false),
        new Vhd(false, 2 << 20, false),
        new Vhdx(false, 1 << 20, 512),
        new Vmdk(Variant.MONOLITHIC_SPARSE, "ide"),
        new Vdi(false));
  }

  /** One thing that reached the host: a write, a change of length (bytes null), or a flush. */
  private record Event(boolean flush, long position, byte[] bytes) {}

  /** A file that remembers. */
  private record Recorded(Storage file, List<Event> events) implements Storage {
    @Override
    public Path path() {
      return file.path();
    }

    @Override
    public boolean writable() {
      return file.writable();
    }

    @Override
    public long size() throws DiskException {
      return file.size();
    }

    @Override
    public int readSome(ByteBuffer dst, long position) throws DiskException {
      return file.readSome(dst, position);
    }

    @Override
    public void write(ByteBuffer src, long position) throws DiskException {
      byte[] bytes = new byte[src.remaining()];
      src.duplicate().get(bytes);
      events.add(new Event(false, position, bytes));
      file.write(src, position);
    }

    @Override
    public void setSize(long size) throws DiskException {
      events.add(new Event(false, size, null));
      file.setSize(size);
    }

    @Override
    public void force() {
      events.add(new Event(true, 0, null));
    }

    @Override
    public void close() throws DiskException {
      file.close();
    }
  }

  /** What the disk must show when the first {@code events} events have happened. */
  private record Flushed(int events, byte[] content) {}

  @ParameterizedTest
  @MethodSource("formats")
  void everyPrefixOpensWithWhatWasFlushed(DiskFormat format) throws Exception {
    run(format, Disks.seed(), 20, 10);
  }

  /** Lasts -Dsharevm.minutes, a tenth of one if not given. */
  @Test
  @Tag("long")
  void forLong() throws Exception {
    double minutes = Double.parseDouble(System.getProperty("sharevm.minutes", "0.1"));
    long end = System.nanoTime() + (long) (6e10 * minutes);
    for (long seed = Disks.seed(); System.nanoTime() < end; seed++) {
      for (DiskFormat format : formats().toList()) {
        run(format, seed, 40, 150);
      }
    }
  }

  private void run(DiskFormat format, long seed, int operations, int cuts) throws Exception {
    try {
      Random random = new Random(seed);
      Path place = Files.createTempDirectory(dir, "cut");
      Path path = place.resolve("a");
      Creator.create(Disks.unforced(), path, format, SIZE, Optional.empty());
      byte[] start = Files.readAllBytes(path);
      List<Event> events = new ArrayList<>();
      List<Flushed> flushed = work(path, random, operations, events);
      for (int i = 0; i < cuts; i++) {
        int prefix = random.nextInt(events.size() + 1);
        cut(place, format, start, events.subList(0, prefix), flushed, random);
      }
    } catch (AssertionError | Exception e) {
      throw new AssertionError(format + " seed " + seed, e);
    }
  }

  private static List<Flushed> work(Path path, Random random, int operations, List<Event> events)
      throws DiskException {
    Storages host = (file, mode) -> new Recorded(Storages.host().open(file, mode), events);
    List<Flushed> flushed = new ArrayList<>(List.of(new Flushed(0, new byte[SIZE])));
    byte[] model = new byte[SIZE];
    Map<Integer, Integer> since = new HashMap<>();
    DiskImage image = new Opener(host).open(path, OpenOptions.forWriting());
    for (int i = 0; i < operations; i++) {
      // Each place is written once between flushes, so that what is there is old or new.
      int slot = random.nextInt(24);
      if (since.putIfAbsent(slot, i) != null || random.nextInt(6) == 0) {
        image.flush();
        since.clear();
        flushed.add(new Flushed(events.size(), model.clone()));
        continue;
      }
      int from = slot * (SIZE / 24);
      int length = 1 + random.nextInt(SIZE / 24 - 1);
      if (random.nextInt(4) == 0) {
        image.writeZeroes(from, length);
        Arrays.fill(model, from, from + length, (byte) 0);
      } else {
        byte[] data = new byte[length];
        random.nextBytes(data);
        image.write(ByteBuffer.wrap(data), from);
        System.arraycopy(data, 0, model, from, length);
      }
    }
    image.close();
    flushed.add(new Flushed(events.size(), model.clone()));
    return flushed;
  }

  private void cut(
      Path place,
      DiskFormat format,
      byte[] start,
      List<Event> events,
      List<Flushed> flushed,
      Random random)
      throws Exception {
    int lastFlush = 0;
    for (int i = 0; i < events.size(); i++) {
      lastFlush = events.get(i).flush() ? i : lastFlush;
    }
    boolean drop = random.nextBoolean();
    Path path = place.resolve("cut-" + events.size() + "-" + random.nextInt(1 << 30));
    try (FileStorage file =
        FileStorage.open(path, FileStorage.Mode.CREATE, true, SparseFiles.none())) {
      file.write(ByteBuffer.wrap(start), 0);
      for (int i = 0; i < events.size(); i++) {
        Event event = events.get(i);
        boolean open = i > lastFlush;
        if (event.flush() || open && drop && random.nextInt(3) == 0) {
          continue;
        }
        if (event.bytes() == null) {
          file.setSize(event.position());
          continue;
        }
        boolean torn = open && (i == events.size() - 1 || drop && random.nextInt(3) == 0);
        write(file, event, torn ? random.nextInt(event.bytes().length / SECTOR + 1) : -1);
      }
    }
    verify(path, format, events.size(), flushed);
    Files.delete(path);
  }

  /** Writes all, or so many whole sectors. */
  private static void write(FileStorage file, Event event, int sectors) throws DiskException {
    int length = event.bytes().length;
    if (sectors >= 0) {
      long end = (event.position() / SECTOR + sectors) * SECTOR;
      length = Math.clamp(end - event.position(), 0, length);
    }
    file.write(ByteBuffer.wrap(event.bytes(), 0, length), event.position());
  }

  private static void verify(Path path, DiskFormat format, int events, List<Flushed> flushed)
      throws Exception {
    byte[] before = flushed.getFirst().content();
    byte[] after = flushed.getLast().content();
    for (Flushed state : flushed) {
      if (state.events() <= events) {
        before = state.content();
      } else {
        after = state.content();
        break;
      }
    }
    OpenOptions options = OpenOptions.forReading().withFormat(format.name());
    try (DiskImage image = new Opener(Disks.unforced()).open(path, options)) {
      byte[] now = Disks.readAll(image);
      for (int at = 0; at < SIZE; at++) {
        // What was flushed and not written since is there; what was being written is anything.
        if (before[at] == after[at] && now[at] != before[at] && untouched(before, after, at)) {
          assertThat(now[at])
              .as("byte " + at + " after " + events + " events")
              .isEqualTo(before[at]);
        }
      }
    }
    try (DiskImage image =
        new Opener(Disks.unforced())
            .open(path, OpenOptions.forWriting().withFormat(format.name()))) {
      image.write(ByteBuffer.wrap(new byte[] {1, 2, 3}), SIZE / 2);
      image.flush();
    }
    assertThat(DiskImages.check(path).errors()).as(DiskImages.check(path).toString()).isZero();
    if (format instanceof Qcow2) {
      int status = Tools.tryRun("qemu-img", "check", "-q", "-f", "qcow2", path).status();
      assertThat(status).as("qemu-img check: 0 clean, 3 leaks").isIn(0, 3);
    }
  }

  /** Random data may repeat a byte by chance: a slot counts as written when any of it changed. */
  private static boolean untouched(byte[] before, byte[] after, int at) {
    int slot = SIZE / 24;
    int from = Math.min(at / slot, 23) * slot;
    return Arrays.equals(before, from, from + slot, after, from, from + slot);
  }
}
