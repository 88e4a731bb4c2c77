package sharevm.machine.chip.pit8254;

import java.util.function.BooleanSupplier;
import sharevm.cpu.SavedState;
import sharevm.machine.bus.BytePorts;
import sharevm.machine.bus.Clock;
import sharevm.machine.bus.InterruptLine;
import sharevm.machine.bus.Part;
import sharevm.machine.bus.Timers;
import sharevm.machine.bus.Trace;

/**
 * The 8254: three counters and a control word, four byte registers. Counter 0 drives an interrupt
 * line.
 *
 * <p>Rising edges of counter 0 that the host was too late for are made up for, up to {@link
 * #MAX_OWED} of them, at twice the rate: a guest that counts ticks keeps its time, and no storm
 * arises.
 */
public final class Pit8254 implements BytePorts, Part {
  /** The number of registers. */
  public static final int PORTS = 4;

  /** The frequency of CLK in Hz: a twelfth of 14.31818 MHz, rounded. */
  public static final long HERTZ = 1_193_182;

  /** The most missed interrupts that are made up for. */
  static final int MAX_OWED = 20;

  /**
   * The shortest time between two interrupts in ticks, about 50 microseconds, whatever is
   * programmed.
   */
  private static final long MIN_TICKS = 60;

  /** Control word: the address of the fourth register. @ref [82C54] "Control Word Format" */
  private static final int CONTROL = 3;

  /** Control word SC1, SC0 = 11: read-back command. @ref [82C54] "Read-Back Command Format" */
  private static final int READ_BACK = 3;

  /** Read-back command: 0 latches the count of the selected counters. */
  private static final int READ_BACK_NO_COUNT = 1 << 5;

  /** Read-back command: 0 latches the status of the selected counters. */
  private static final int READ_BACK_NO_STATUS = 1 << 4;

  private final Clock clock;
  private final InterruptLine line;
  private final Trace trace;
  private final Timers.Timer timer;
  private final Channel[] channels = {new Channel(true), new Channel(true), new Channel(false)};
  private long nextEdge = Counter.NEVER;
  private int owed;

  /** Makes one after power-on; the gates of counters 0 and 1 are wired high, that of 2 is low. */
  public Pit8254(Timers timers, InterruptLine line, Trace trace) {
    clock = timers.clock();
    this.line = line;
    this.trace = trace;
    timer = timers.timer("pit", this::edge);
    reset();
  }

  /** Returns GATE 2, which port 61h drives. */
  public InterruptLine gate2() {
    return high -> channels[2].counter.gate(high, now());
  }

  /** Returns OUT 2, which port 61h shows. */
  public BooleanSupplier out2() {
    return () -> {
      Counter counter = channels[2].counter;
      long now = now();
      counter.advance(now);
      return counter.out(now);
    };
  }

  @Override
  public int read(int offset) {
    int register = offset & 3;
    int value = register == CONTROL ? 0xFF : channels[register].read(now());
    if (trace.on(Trace.Category.PIT)) {
      trace.line(Trace.Category.PIT, "read  %d -> %02x", register, value);
    }
    return value;
  }

  @Override
  public void write(int offset, int value) {
    int register = offset & 3;
    if (trace.on(Trace.Category.PIT)) {
      trace.line(Trace.Category.PIT, "write %d <- %02x", register, value);
    }
    if (register == CONTROL) {
      control(value);
    } else {
      channels[register].write(value, now());
      if (register == 0) {
        restart();
      }
    }
  }

  @Override
  public SavedState save() {
    SavedState state = new SavedState().put("nextEdge", nextEdge).put("owed", owed);
    for (int i = 0; i < channels.length; i++) {
      state.put("counter" + i, channels[i].save());
    }
    return state.put("interruptAt", timer.deadline());
  }

  @Override
  public void restore(SavedState state) {
    nextEdge = state.getLong("nextEdge");
    owed = Math.clamp(state.getLong("owed"), 0, MAX_OWED);
    for (int i = 0; i < channels.length; i++) {
      channels[i].restore(state.getPart("counter" + i));
    }
    timer.at(state.getLong("interruptAt"));
  }

  @Override
  public void reset() {
    for (Channel channel : channels) {
      channel.reset();
    }
    timer.cancel();
    nextEdge = Counter.NEVER;
    owed = 0;
    line.set(false);
  }

  private long now() {
    return Clock.toTicks(clock.nanos(), HERTZ);
  }

  private void control(int value) {
    int select = value >> 6;
    if (select == READ_BACK) {
      long now = now();
      for (int i = 0; i < channels.length; i++) {
        if ((value >> i + 1 & 1) != 0) {
          channels[i].readBack(
              (value & READ_BACK_NO_COUNT) == 0, (value & READ_BACK_NO_STATUS) == 0, now);
        }
      }
    } else if (channels[select].control(value, now()) && select == 0) {
      restart();
    }
  }

  /** Counter 0 has begun anew. */
  private void restart() {
    long now = now();
    owed = 0;
    line.set(channels[0].counter.out(now));
    nextEdge = channels[0].counter.nextEdge(now);
    schedule(now);
  }

  private void edge() {
    Counter counter = channels[0].counter;
    long now = now();
    boolean rises = true;
    if (now < nextEdge) {
      owed--;
    } else {
      rises = counter.nextEdgeRises();
      counter.advance(now);
      if (counter.periodic()) {
        owed = (int) Math.min(MAX_OWED, owed + (now - nextEdge) / counter.period());
      }
      nextEdge = counter.nextEdge(now);
    }
    if (rises) {
      // OUT has fallen before, for one tick or half a period: so the interrupt controller sees an
      // edge.
      line.set(false);
      line.set(true);
    }
    schedule(now);
  }

  private void schedule(long now) {
    if (nextEdge == Counter.NEVER) {
      timer.cancel();
      return;
    }
    long tick = nextEdge;
    if (owed > 0) {
      tick = Math.min(tick, now + channels[0].counter.period() / 2);
    }
    if (channels[0].counter.periodic()) {
      tick = Math.max(tick, now + MIN_TICKS);
    }
    timer.at(Clock.fromTicks(tick, HERTZ));
  }
}
