package sharevm.machine.bus;

import java.util.Random;
import java.util.concurrent.locks.ReentrantLock;

/** What a chip needs around it in a test: time that moves when told, and counted lines. */
public final class Bench {
  /** A line that remembers its level and counts its rising edges. */
  public static final class Probe implements InterruptLine {
    /** The present level. */
    public boolean level;

    /** The rising edges so far. */
    public int edges;

    @Override
    public void set(boolean asserted) {
      if (asserted && !level) {
        edges++;
      }
      level = asserted;
    }
  }

  /** The device lock. */
  public final ReentrantLock lock = new ReentrantLock();

  /** The time, 1 ms past power-on at first. */
  public final SteppedClock clock = new SteppedClock(1_000_000);

  /** The timers, run by {@link #advance}. */
  public final Timers timers = new Timers(clock, lock);

  /** Moves time forward and stops at each deadline on the way. */
  public void advance(long nanos) {
    long end = clock.nanos() + nanos;
    while (timers.nextDeadline() <= end) {
      clock.moveTo(timers.nextDeadline());
      timers.runDue();
    }
    clock.moveTo(end);
  }

  /** Moves time forward at once, as a host does that was asleep. */
  public void oversleep(long nanos) {
    clock.advance(nanos);
    timers.runDue();
  }

  /** Returns random numbers from {@code -Dsharevm.seed}, or a fixed seed; prints it. */
  public static Random random(String test) {
    long seed = Long.getLong("sharevm.seed", 20_260_101L);
    System.out.println(test + ": sharevm.seed=" + seed);
    return new Random(seed);
  }

  /**
   * Hammers a device's ports and moves time; the device must neither throw nor hang.
   *
   * @throws AssertionError if it throws, with the seed's random source and the step
   */
  public void fuzz(Random random, PortDevice device, int ports, int steps) {
    for (int i = 0; i < steps; i++) {
      int offset = random.nextInt(ports);
      int size = 1 << random.nextInt(3);
      if (offset + size > ports) {
        size = 1;
      }
      try {
        if (random.nextBoolean()) {
          device.out(offset, size, random.nextInt());
        } else {
          device.in(offset, size);
        }
        if (random.nextInt(8) == 0) {
          oversleep(random.nextLong(1L << random.nextInt(1, 34)));
        }
      } catch (RuntimeException e) {
        throw new AssertionError("step " + i + " at register " + offset, e);
      }
    }
  }

  /**
   * The same for a device in memory space, with accesses of up to 8 bytes at multiples of 4 mostly.
   */
  public void fuzz(Random random, MmioDevice device, int length, int steps) {
    for (int i = 0; i < steps; i++) {
      int size = 1 << random.nextInt(4);
      int offset = random.nextInt(length);
      offset = random.nextInt(4) == 0 ? offset : offset & ~15;
      if (offset + size > length) {
        size = 1;
      }
      try {
        if (random.nextBoolean()) {
          device.write(offset, size, random.nextLong());
        } else {
          device.read(offset, size);
        }
        if (random.nextInt(8) == 0) {
          oversleep(random.nextLong(1L << random.nextInt(1, 34)));
        }
      } catch (RuntimeException e) {
        throw new AssertionError("step " + i + " at register " + offset, e);
      }
    }
  }
}
