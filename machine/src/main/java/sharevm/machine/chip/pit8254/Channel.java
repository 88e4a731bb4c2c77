package sharevm.machine.chip.pit8254;

import sharevm.cpu.SavedState;

/** A counter with what lies between it and the data bus: byte order, count latch, status latch. */
final class Channel {
  /** Control word RW1, RW0: counter latch command. @ref [82C54] "Control Word Format" */
  private static final int LATCH_COMMAND = 0;

  /** Control word RW1, RW0: read/write least significant byte only. */
  private static final int LOW_BYTE = 1;

  /** Control word RW1, RW0: read/write most significant byte only. */
  private static final int HIGH_BYTE = 2;

  /** Control word RW1, RW0: least significant byte first, then most significant byte. */
  private static final int BOTH_BYTES = 3;

  /** Status byte: the state of the OUT pin. @ref [82C54] "Status Byte" */
  private static final int STATUS_OUT = 1 << 7;

  /** Status byte: null count, what was written is not yet counting. */
  private static final int STATUS_NULL_COUNT = 1 << 6;

  private static final int NOTHING = -1;

  final Counter counter;
  private int access = BOTH_BYTES;
  private boolean readHigh;
  private boolean writeHigh;
  private int lowWritten;
  private int latchedCount = NOTHING;
  private int latchedStatus = NOTHING;

  Channel(boolean gate) {
    counter = new Counter(gate);
  }

  /** Takes a control word for this counter; returns whether it was programmed, not just latched. */
  boolean control(int word, long now) {
    int bytes = word >> 4 & 3;
    if (bytes == LATCH_COMMAND) {
      latchCount(now);
      return false;
    }
    access = bytes;
    int mode = word >> 1 & 7;
    counter.program(mode > 5 ? mode - 4 : mode, (word & 1) != 0);
    readHigh = false;
    writeHigh = false;
    latchedCount = NOTHING;
    latchedStatus = NOTHING;
    return true;
  }

  void readBack(boolean count, boolean status, long now) {
    if (count) {
      latchCount(now);
    }
    if (status && latchedStatus == NOTHING) {
      counter.advance(now);
      latchedStatus =
          (counter.out(now) ? STATUS_OUT : 0)
              | (counter.nullCount(now) ? STATUS_NULL_COUNT : 0)
              | access << 4
              | counter.mode() << 1
              | (counter.bcd() ? 1 : 0);
    }
  }

  int read(long now) {
    if (latchedStatus != NOTHING) {
      int status = latchedStatus;
      latchedStatus = NOTHING;
      return status;
    }
    counter.advance(now);
    int value = latchedCount != NOTHING ? latchedCount : counter.value(now);
    boolean high = access == HIGH_BYTE || access == BOTH_BYTES && readHigh;
    if (access == BOTH_BYTES) {
      readHigh = !readHigh;
    }
    if (access != BOTH_BYTES || high) {
      latchedCount = NOTHING;
    }
    return high ? value >> 8 : value & 0xFF;
  }

  /** Takes a byte of a count. */
  void write(int value, long now) {
    switch (access) {
      case LOW_BYTE -> counter.write(value, now);
      case HIGH_BYTE -> counter.write(value << 8, now);
      default -> {
        if (writeHigh) {
          counter.write(lowWritten | value << 8, now);
        } else {
          lowWritten = value;
          counter.firstByte();
        }
        writeHigh = !writeHigh;
      }
    }
  }

  SavedState save() {
    return new SavedState()
        .put("counter", counter.save())
        .put("access", access)
        .put("readHigh", readHigh)
        .put("writeHigh", writeHigh)
        .put("lowWritten", lowWritten)
        .put("latchedCount", latchedCount)
        .put("latchedStatus", latchedStatus);
  }

  void restore(SavedState state) {
    counter.restore(state.getPart("counter"));
    access = Math.clamp(state.getLong("access"), LOW_BYTE, BOTH_BYTES);
    readHigh = state.getBoolean("readHigh");
    writeHigh = state.getBoolean("writeHigh");
    lowWritten = state.getInt("lowWritten") & 0xFF;
    latchedCount = Math.clamp(state.getLong("latchedCount"), NOTHING, 0xFFFF);
    latchedStatus = Math.clamp(state.getLong("latchedStatus"), NOTHING, 0xFF);
  }

  void reset() {
    counter.reset();
    access = BOTH_BYTES;
    readHigh = false;
    writeHigh = false;
    latchedCount = NOTHING;
    latchedStatus = NOTHING;
  }

  private void latchCount(long now) {
    if (latchedCount == NOTHING) {
      counter.advance(now);
      latchedCount = counter.value(now);
    }
  }
}
