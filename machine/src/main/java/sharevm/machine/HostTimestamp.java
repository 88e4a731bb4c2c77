package sharevm.machine;

import sharevm.cpu.Timestamp;
import sharevm.machine.bus.HostClock;

/** A timestamp counter that counts the nanoseconds of the host's clock. */
record HostTimestamp(HostClock clock) implements Timestamp {
  @Override
  public long count() {
    return clock.nanos();
  }

  @Override
  public long aheadOfHost() {
    return clock.isRunning() ? clock.aheadOfHost() : NOT_OF_HOST;
  }
}
