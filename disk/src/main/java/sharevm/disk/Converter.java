package sharevm.disk;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import sharevm.disk.DiskException.Kind;
import sharevm.disk.io.Bytes;
import sharevm.disk.layer.BulkTarget;
import sharevm.disk.layer.CompressedTarget;
import sharevm.disk.layer.SequentialTarget;

/**
 * Copies a disk's content in windows, each by one thread from reading to writing, several at a
 * time. Memory is a few windows a thread, whatever the size.
 */
final class Converter {
  private static final int WINDOW = 2 << 20;
  private static final int WINDOWS_PER_THREAD = 3;

  private final DiskImage source;
  private final ConvertOptions options;
  private final SalvageReader salvage;
  private long next;
  private long claimed;
  private long stored;

  Converter(DiskImage source, ConvertOptions options) {
    this.source = source;
    this.options = options;
    this.salvage = new SalvageReader(source);
  }

  ConvertReport into(DiskImage target) throws DiskException {
    if (!options.compress()) {
      BulkTarget room =
          target.capability(BulkTarget.class).orElse((_, _) -> {}); // Everything is there already.
      return run(new PlainSink(target, room));
    }
    CompressedTarget blocks =
        target
            .capability(CompressedTarget.class)
            .orElseThrow(
                () -> DiskException.invalid("the target", "this format has no compressed blocks"));
    return run(
        new PackedSink(
            blocks.packedUnit(),
            blocks::packer,
            (position, packed, plain) -> {
              if (packed.length > 0) {
                blocks.storePacked(position, packed);
              } else {
                target.write(plain, position);
              }
            }));
  }

  ConvertReport into(SequentialTarget target) throws DiskException {
    return run(
        new PackedSink(
            target.packedUnit(),
            target::packer,
            (position, packed, _) -> target.append(position, packed)));
  }

  private ConvertReport run(Sink sink) throws DiskException {
    int count = Math.max(1, options.threads());
    Turns turns = new Turns(count * WINDOWS_PER_THREAD, WINDOW);
    List<Thread> others = new ArrayList<>();
    for (int i = 1; i < count; i++) {
      others.add(Thread.ofPlatform().daemon().start(() -> work(sink, turns)));
    }
    work(sink, turns);
    for (Thread other : others) {
      join(other, turns);
    }
    if (turns.failure().isPresent()) {
      throw reason(turns.failure().get());
    }
    options.progress().at(source.size(), source.size());
    return new ConvertReport(stored, salvage.lost(), salvage.lostBytes());
  }

  private static void join(Thread other, Turns turns) {
    while (other.isAlive()) {
      try {
        other.join();
      } catch (InterruptedException e) {
        turns.fail(new DiskException(Kind.IO, "the conversion", "interrupted").causedBy(e));
      }
    }
  }

  private static DiskException reason(Throwable failure) {
    if (failure instanceof DiskException known) {
      return known;
    }
    throw new IllegalStateException("a conversion failed for a reason of its own", failure);
  }

  /** What each thread does until the disk's end. */
  private void work(Sink sink, Turns turns) {
    try (Sink.Hand hand = sink.hand()) {
      for (var buffer = turns.buffer(); buffer.isPresent(); buffer = turns.buffer()) {
        Optional<Window> window = claim();
        if (window.isEmpty()) {
          turns.giveBack(buffer.get());
          return;
        }
        convert(window.get(), buffer.get(), hand, turns);
      }
    } catch (DiskException | RuntimeException | Error e) {
      turns.fail(e);
    }
  }

  private record Window(long number, long position, int length) {}

  /** The next window that is not all zero. */
  private synchronized Optional<Window> claim() throws DiskException {
    while (next < source.size()) {
      int length = (int) Math.min(WINDOW, source.size() - next);
      if (!isZero(next, length)) {
        Window window = new Window(claimed++, next, length);
        next += length;
        return Optional.of(window);
      }
      Extent all = source.extent(next, Long.MAX_VALUE);
      long end = next + all.length();
      next = Math.max(next + length, end == source.size() ? end : Bytes.roundDown(end, WINDOW));
    }
    return Optional.empty();
  }

  private boolean isZero(long position, int length) throws DiskException {
    try {
      Extent extent = source.extent(position, length);
      return extent.isZero() && extent.length() == length;
    } catch (DiskException e) {
      return !goesOn(e);
    }
  }

  /** True when an unreadable place is passed over; the exception is thrown otherwise. */
  private boolean goesOn(DiskException e) throws DiskException {
    if (!options.salvage()) {
      throw e;
    }
    return true;
  }

  private void convert(Window window, ByteBuffer buffer, Sink.Hand hand, Turns turns)
      throws DiskException {
    List<Sink.Range> ranges = ranges(window);
    for (Sink.Range range : ranges) {
      buffer.limit(range.end()).position(range.from());
      if (options.salvage()) {
        salvage.read(buffer, window.position() + range.from());
      } else {
        source.read(buffer, window.position() + range.from());
      }
    }
    buffer.limit(window.length()).position(0);
    Sink.Work work = hand.prepare(window.position(), buffer, ranges);
    for (Turns.Ready due : turns.settle(window.number(), new Turns.Ready(work, buffer))) {
      due.work().afterwards();
      note(due);
      turns.giveBack(due.buffer());
    }
  }

  private synchronized void note(Turns.Ready done) {
    stored += done.work().stored();
    options.progress().at(next, source.size());
  }

  /** What of a window may be other than zero; short holes are read along. */
  private List<Sink.Range> ranges(Window window) throws DiskException {
    List<Sink.Range> ranges = new ArrayList<>();
    for (int at = 0; at < window.length(); ) {
      int length = window.length() - at;
      boolean zero = false;
      try {
        Extent extent = source.extent(window.position() + at, length);
        length = (int) extent.length();
        zero = extent.isZero();
      } catch (DiskException e) {
        goesOn(e);
      }
      if (!zero) {
        add(ranges, at, length);
      }
      at += length;
    }
    return ranges;
  }

  private static void add(List<Sink.Range> ranges, int from, int length) {
    int start = from;
    if (!ranges.isEmpty() && from - ranges.getLast().end() < PlainSink.LEAST_HOLE) {
      start = ranges.removeLast().from();
    }
    ranges.add(new Sink.Range(start, from + length - start));
  }
}
