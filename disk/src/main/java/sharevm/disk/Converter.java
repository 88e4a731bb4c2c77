package sharevm.disk;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import sharevm.disk.DiskException.Kind;
import sharevm.disk.Windows.Window;
import sharevm.disk.layer.BulkTarget;
import sharevm.disk.layer.CompressedTarget;
import sharevm.disk.layer.SequentialTarget;

/**
 * Copies a disk's content in windows, each by one thread from reading to writing, several at a
 * time. Memory is a few windows a thread, whatever the size.
 */
final class Converter {
  private static final int WINDOWS_PER_THREAD = 3;

  private final DiskImage source;
  private final ConvertOptions options;
  private final SalvageReader salvage;
  private final Windows windows;
  private long stored;

  Converter(DiskImage source, ConvertOptions options) {
    this.source = source;
    this.options = options;
    this.salvage = new SalvageReader(source);
    this.windows = new Windows(source, options.salvage());
  }

  ConvertReport into(DiskImage target) throws DiskException {
    if (!options.compress()) {
      return run(
          new PlainSink(
              target
                  .capability(BulkTarget.class)
                  .orElseThrow(
                      () -> DiskException.invalid("the target", "no blocks can be reserved"))));
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
    Turns turns = new Turns(count * WINDOWS_PER_THREAD, Windows.LENGTH);
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
        Optional<Window> window = windows.next();
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

  private void convert(Window window, ByteBuffer buffer, Sink.Hand hand, Turns turns)
      throws DiskException {
    for (Sink.Range range : window.ranges()) {
      buffer.limit(range.end()).position(range.from());
      if (options.salvage()) {
        salvage.read(buffer, window.position() + range.from());
      } else {
        source.read(buffer, window.position() + range.from());
      }
    }
    buffer.limit(window.length()).position(0);
    Sink.Work work = hand.prepare(window.position(), buffer, window.ranges());
    turns.settle(window.number(), new Turns.Ready(work, buffer));
    for (var due = turns.take(); due.isPresent(); due = turns.take()) {
      due.get().work().afterwards();
      note(due.get());
      turns.done(due.get());
    }
  }

  private synchronized void note(Turns.Ready done) {
    stored += done.work().stored();
    options.progress().at(windows.position(), source.size());
  }
}
