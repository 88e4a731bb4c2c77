package sharevm.disk;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
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
 * The writes of a random workload are recorded, and the image's files are rebuilt as a cut of power
 * would have left them: all writes up to one of them, that one torn at a sector; and, harder, only
 * some of those that no flush had followed. It opens, shows all that was flushed, has the snapshots
 * that were taken, and its tables are in order.
 */
class PowerCutTest {
  private static final int WINDOW = 3 << 20;
  private static final int SLOTS = 24;
  private static final int SLOT = WINDOW / SLOTS;
  private static final int SECTOR = 512;

  /** Where a VMDK in parts goes on in its second file: 2,047 MiB. */
  private static final long SECOND_PART = 2047L << 20;

  @TempDir Path dir;

  /** What is done beside writing, zeroing, discarding and flushing. */
  enum Beside {
    NOTHING,
    SNAPSHOTS,
    RESIZING
  }

  /**
   * A workload.
   *
   * @param format of the image, and of its parent
   * @param layered on top of an image with data
   * @param start of the part of the disk that is worked on
   */
  record Workload(DiskFormat format, boolean layered, long start, Beside beside) {
    static Workload plain(DiskFormat format) {
      return new Workload(format, false, 0, Beside.NOTHING);
    }

    static Workload layered(DiskFormat format) {
      return new Workload(format, true, 0, Beside.NOTHING);
    }

    static Workload with(Beside beside, DiskFormat format) {
      return new Workload(format, false, 0, beside);
    }
  }

  static Stream<Workload> workloads() {
    Qcow2 usual = new Qcow2(3, 16, Compression.ZLIB, false, false);
    Qcow2 small = new Qcow2(3, 9, Compression.ZLIB, false, false);
    Qcow2 extended = new Qcow2(3, 14, Compression.ZLIB, true, false);
    Vhd vhd = new Vhd(false, 4096, false);
    Vhdx vhdx = new Vhdx(false, 1 << 20, 512);
    Vmdk vmdk = new Vmdk(Variant.MONOLITHIC_SPARSE, "ide");
    Vmdk split = new Vmdk(Variant.TWO_GB_SPARSE, "ide");
    return Stream.of(
        Workload.plain(usual),
        Workload.plain(small),
        Workload.plain(extended),
        Workload.plain(vhd),
        Workload.plain(new Vhd(false, 2 << 20, false)),
        Workload.plain(vhdx),
        Workload.plain(vmdk),
        Workload.plain(new Vdi(false)),
        new Workload(split, false, SECOND_PART - WINDOW / 2, Beside.NOTHING),
        Workload.layered(usual),
        Workload.layered(extended),
        Workload.layered(vhd),
        Workload.layered(vhdx),
        Workload.layered(vmdk),
        Workload.layered(new Vdi(false)),
        Workload.with(Beside.SNAPSHOTS, usual),
        Workload.with(Beside.SNAPSHOTS, small),
        Workload.with(Beside.SNAPSHOTS, extended),
        Workload.with(Beside.RESIZING, usual),
        Workload.with(Beside.RESIZING, small),
        Workload.with(Beside.RESIZING, vhd),
        Workload.with(Beside.RESIZING, vhdx),
        Workload.with(Beside.RESIZING, vmdk),
        Workload.with(Beside.RESIZING, new Vdi(false)));
  }

  /** One thing that reached the host: a write, a change of length (bytes null), or a flush. */
  private record Event(Path file, boolean flush, long position, byte[] bytes) {}

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
      events.add(new Event(path().getFileName(), false, position, bytes));
      file.write(src, position);
    }

    @Override
    public void setSize(long size) throws DiskException {
      events.add(new Event(path().getFileName(), false, size, null));
      file.setSize(size);
    }

    @Override
    public boolean punch(long position, long length) throws DiskException {
      write(ByteBuffer.allocate((int) Math.clamp(size() - position, 0, length)), position);
      return true;
    }

    @Override
    public void force() {
      events.add(new Event(path().getFileName(), true, 0, null));
    }

    @Override
    public void close() throws DiskException {
      file.close();
    }
  }

  /** What must be there when the first {@code events} events have happened. */
  private record Flushed(int events, long size, byte[] content, Map<String, byte[]> snapshots) {}

  @ParameterizedTest
  @MethodSource("workloads")
  void everyPrefixOpensWithWhatWasFlushed(Workload workload) throws Exception {
    run(workload, Disks.seed(), 25, 8);
  }

  /** Lasts -Dsharevm.minutes, a tenth of one if not given. */
  @Test
  @Tag("long")
  void forLong() throws Exception {
    double minutes = Double.parseDouble(System.getProperty("sharevm.minutes", "0.1"));
    long end = System.nanoTime() + (long) (6e10 * minutes);
    for (long seed = Disks.seed(); System.nanoTime() < end; seed++) {
      for (Workload workload : workloads().toList()) {
        run(workload, seed, 40, 60);
      }
    }
  }

  private void run(Workload workload, long seed, int operations, int cuts) throws Exception {
    try {
      Random random = new Random(seed);
      Path place = Files.createTempDirectory(dir, "cut");
      Path path = place.resolve("a." + workload.format().name());
      Run run = new Run(workload, random);
      run.create(place, path);
      Map<Path, byte[]> start = contents(place);
      run.work(path, operations);
      for (int i = 0; i < cuts; i++) {
        int prefix = random.nextInt(run.events.size() + 1);
        Path after = Files.createTempDirectory(dir, "after");
        rebuild(after, start, run.events.subList(0, prefix), random);
        verify(after.resolve(path.getFileName()), run, prefix);
        delete(after);
      }
      delete(place);
    } catch (AssertionError | Exception e) {
      throw new AssertionError(workload + " seed " + seed, e);
    }
  }

  private static Map<Path, byte[]> contents(Path place) throws IOException {
    Map<Path, byte[]> all = new HashMap<>();
    try (Stream<Path> files = Files.list(place)) {
      for (Path file : files.toList()) {
        all.put(file.getFileName(), Files.readAllBytes(file));
      }
    }
    return all;
  }

  private static void delete(Path place) throws IOException {
    try (Stream<Path> files = Files.list(place)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
    }
    Files.delete(place);
  }

  /** One workload at work, and what it did. */
  private static final class Run {
    private final Workload workload;
    private final Random random;
    private final List<Event> events = new ArrayList<>();
    private final List<Flushed> flushed = new ArrayList<>();
    private final Set<Integer> writtenSince = new HashSet<>();
    private final Map<String, byte[]> snapshots = new HashMap<>();
    private byte[] model = new byte[WINDOW];
    private long size;

    Run(Workload workload, Random random) {
      this.workload = workload;
      this.random = random;
    }

    void create(Path place, Path path) throws DiskException {
      Storages host = Disks.unforced();
      size = workload.start() + WINDOW;
      if (!workload.layered()) {
        Creator.create(host, path, workload.format(), size, Optional.empty());
        return;
      }
      Path base = place.resolve("base." + workload.format().name());
      Creator.create(host, base, workload.format(), size, Optional.empty());
      model = Disks.content(WINDOW, random.nextLong());
      try (DiskImage image =
          new Opener(host)
              .open(base, OpenOptions.forWriting().withFormat(workload.format().name()))) {
        Disks.writeAll(image, model, random.nextLong());
      }
      Creator.create(host, path, workload.format(), size, Optional.of(base));
    }

    void work(Path path, int operations) throws DiskException {
      Storages host =
          (file, mode) ->
              mode == FileStorage.Mode.READ
                  ? Storages.host().open(file, mode)
                  : new Recorded(Storages.host().open(file, mode), events);
      DiskImage image = new Opener(host).open(path, OpenOptions.forWriting());
      note();
      for (int i = 0; i < operations; i++) {
        // Each place is written once between flushes, so that what is there is old or new.
        int slot = random.nextInt(SLOTS);
        if (!writtenSince.add(slot) || random.nextInt(6) == 0) {
          flush(image);
          if (random.nextInt(3) == 0) {
            beside(image);
          }
        } else {
          change(image, slot);
        }
      }
      image.close();
      note();
    }

    private void change(DiskImage image, int slot) throws DiskException {
      int from = slot * SLOT;
      int length = 1 + random.nextInt(SLOT - 1);
      long position = workload.start() + from;
      switch (random.nextInt(7)) {
        case 0 -> {
          image.writeZeroes(position, length);
          Arrays.fill(model, from, from + length, (byte) 0);
        }
        case 1 -> {
          image.writeZeroes(position, SLOT);
          Arrays.fill(model, from, from + SLOT, (byte) 0);
        }
        case 2 -> {
          image.discard(position, random.nextBoolean() ? length : SLOT);
          image.read(ByteBuffer.wrap(model, from, SLOT), position);
        }
        default -> {
          byte[] data = new byte[length];
          random.nextBytes(data);
          image.write(ByteBuffer.wrap(data), position);
          System.arraycopy(data, 0, model, from, length);
        }
      }
    }

    private void flush(DiskImage image) throws DiskException {
      image.flush();
      writtenSince.clear();
      note();
    }

    private void note() {
      flushed.add(new Flushed(events.size(), size, model.clone(), Map.copyOf(snapshots)));
    }

    private void beside(DiskImage image) throws DiskException {
      switch (workload.beside()) {
        case NOTHING -> {
          return;
        }
        case SNAPSHOTS -> snapshot(image.capability(Snapshots.class).orElseThrow());
        case RESIZING -> {
          size += (1 + random.nextInt(40)) * 65536L;
          image.capability(Resizable.class).orElseThrow().resize(size);
        }
      }
      note();
    }

    private void snapshot(Snapshots keeper) throws DiskException {
      List<String> names = snapshots.keySet().stream().sorted().toList();
      String some = names.isEmpty() ? "" : names.get(random.nextInt(names.size()));
      switch (names.isEmpty() ? 0 : random.nextInt(4)) {
        case 0, 1 -> {
          String name = "s" + events.size();
          keeper.takeSnapshot(name);
          snapshots.put(name, model.clone());
        }
        case 2 -> {
          keeper.applySnapshot(some);
          model = snapshots.get(some).clone();
        }
        default -> {
          keeper.deleteSnapshot(some);
          snapshots.remove(some);
        }
      }
    }
  }

  private static void rebuild(
      Path after, Map<Path, byte[]> start, List<Event> events, Random random) throws Exception {
    int lastFlush = 0;
    for (int i = 0; i < events.size(); i++) {
      lastFlush = events.get(i).flush() ? i : lastFlush;
    }
    boolean drop = random.nextBoolean();
    Map<Path, FileStorage> files = new HashMap<>();
    for (Map.Entry<Path, byte[]> file : start.entrySet()) {
      Path path = Files.write(after.resolve(file.getKey()), file.getValue());
      files.put(
          file.getKey(), FileStorage.open(path, FileStorage.Mode.WRITE, true, SparseFiles.none()));
    }
    for (int i = 0; i < events.size(); i++) {
      Event event = events.get(i);
      boolean open = i > lastFlush;
      if (event.flush() || open && drop && random.nextInt(3) == 0) {
        continue;
      }
      FileStorage file = files.get(event.file());
      if (event.bytes() == null) {
        file.setSize(event.position());
        continue;
      }
      boolean torn = open && (i == events.size() - 1 || drop && random.nextInt(3) == 0);
      write(file, event, torn ? random.nextInt(event.bytes().length / SECTOR + 1) : -1);
    }
    for (FileStorage file : files.values()) {
      file.close();
    }
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

  private static void verify(Path path, Run run, int events) throws Exception {
    Flushed before = run.flushed.getFirst();
    Flushed after = run.flushed.getLast();
    for (Flushed state : run.flushed) {
      if (state.events() <= events) {
        before = state;
      } else {
        after = state;
        break;
      }
    }
    String name = run.workload.format().name();
    verifyContent(path, run.workload, before, after, events);
    verifySnapshots(path, before, after, events);
    try (DiskImage image =
        new Opener(Disks.unforced()).open(path, OpenOptions.forWriting().withFormat(name))) {
      image.write(ByteBuffer.wrap(new byte[] {1, 2, 3}), run.workload.start() + WINDOW / 2);
      image.flush();
    }
    CheckReport report = DiskImages.check(path);
    assertThat(report.findings().stream().filter(f -> f.severity() == CheckReport.Severity.ERROR))
        .as("contradictions after " + events + " events")
        .isEmpty();
    if (run.workload.format() instanceof Qcow2) {
      int status = Tools.tryRun("qemu-img", "check", "-q", "-f", "qcow2", path).status();
      assertThat(status).as("qemu-img check: 0 clean, 3 leaks").isIn(0, 3);
    }
  }

  private static void verifyContent(
      Path path, Workload workload, Flushed before, Flushed after, int events) throws Exception {
    OpenOptions options = OpenOptions.forReading().withFormat(workload.format().name());
    try (DiskImage image = new Opener(Disks.unforced()).open(path, options)) {
      assertThat(image.size()).isIn(before.size(), after.size());
      ByteBuffer now = ByteBuffer.allocate(WINDOW);
      image.read(now, workload.start());
      for (int slot = 0; slot < SLOTS; slot++) {
        // What was flushed and not written since is there; what was being written is anything.
        int from = slot * SLOT;
        int to = from + SLOT;
        if (Arrays.equals(before.content(), from, to, after.content(), from, to)) {
          int differs = Arrays.mismatch(now.array(), from, to, before.content(), from, to);
          assertThat(differs).as("in slot " + slot + " after " + events + " events").isEqualTo(-1);
        }
      }
      if (image.size() > workload.start() + WINDOW) {
        // What a disk has grown by was never written.
        ByteBuffer grown = ByteBuffer.allocate((int) (image.size() - workload.start() - WINDOW));
        image.read(grown, workload.start() + WINDOW);
        assertThat(Arrays.mismatch(grown.array(), new byte[grown.capacity()])).isEqualTo(-1);
      }
    }
  }

  private static void verifySnapshots(Path path, Flushed before, Flushed after, int events)
      throws Exception {
    Set<String> names = new HashSet<>(before.snapshots().keySet());
    names.addAll(after.snapshots().keySet());
    if (names.isEmpty()) {
      return;
    }
    Path copy = path.resolveSibling("copy");
    Files.copy(path, copy);
    try (DiskImage image = new Opener(Disks.unforced()).open(copy, OpenOptions.forWriting())) {
      Snapshots keeper = image.capability(Snapshots.class).orElseThrow();
      List<String> there = keeper.snapshots().stream().map(Snapshot::name).toList();
      assertThat(names).containsAll(there);
      for (String name : names) {
        boolean always =
            before.snapshots().containsKey(name) && after.snapshots().containsKey(name);
        assertThat(!always || there.contains(name)).as(name + " after " + events).isTrue();
        if (there.contains(name)) {
          byte[] content = before.snapshots().getOrDefault(name, after.snapshots().get(name));
          keeper.applySnapshot(name);
          assertThat(Arrays.mismatch(Disks.readAll(image), content))
              .as(name + " after " + events + " events")
              .isEqualTo(-1);
        }
      }
    }
  }
}
