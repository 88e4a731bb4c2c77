package sharevm.machine.chip.keyboard8042;

import sharevm.cpu.SavedState;

/**
 * A keyboard that answers every command and on which nobody types. @ref [PS2] "Keyboard", commands
 */
public final class Keyboard implements Ps2Device {
  /** Set/Reset Status Indicators, with one more byte. */
  private static final int SET_INDICATORS = 0xED;

  /** Echo: answered by itself. */
  private static final int ECHO = 0xEE;

  /** Select Alternate Scan Codes, with one more byte. */
  private static final int SCAN_CODES = 0xF0;

  /** Read ID. */
  private static final int READ_ID = 0xF2;

  /** Set Typematic Rate/Delay, with one more byte. */
  private static final int TYPEMATIC = 0xF3;

  /** The first of the commands that are only acknowledged: enable, disable, defaults. */
  private static final int FIRST_PLAIN = 0xF4;

  /** Resend: the last byte again. */
  private static final int RESEND = 0xFE;

  /** Reset. */
  private static final int RESET = 0xFF;

  private static final int ACKNOWLEDGE = 0xFA;
  private static final int SELF_TEST_PASSED = 0xAA;
  private static final int[] IDENTITY = {0xAB, 0x83};
  private static final int NO_COMMAND = 0;

  private Host host = _ -> {};
  private int command = NO_COMMAND;
  private int scanCodes = 2;
  private int lastSent = ACKNOWLEDGE;

  @Override
  public void plug(Host newHost) {
    host = newHost;
  }

  @Override
  public void receive(int value) {
    if (command != NO_COMMAND && value < SET_INDICATORS) {
      parameter(value);
      return;
    }
    command = NO_COMMAND;
    switch (value) {
      case SET_INDICATORS, SCAN_CODES, TYPEMATIC -> {
        command = value;
        send(ACKNOWLEDGE);
      }
      case ECHO -> send(ECHO);
      case READ_ID -> {
        send(ACKNOWLEDGE);
        for (int part : IDENTITY) {
          send(part);
        }
      }
      case RESEND -> send(lastSent);
      case RESET -> {
        reset();
        send(ACKNOWLEDGE);
        send(SELF_TEST_PASSED);
      }
      default -> send(value >= FIRST_PLAIN ? ACKNOWLEDGE : RESEND);
    }
  }

  @Override
  public SavedState save() {
    return new SavedState()
        .put("command", command)
        .put("scanCodes", scanCodes)
        .put("lastSent", lastSent);
  }

  @Override
  public void restore(SavedState state) {
    command = state.getInt("command") & 0xFF;
    scanCodes = state.getInt("scanCodes") & 0xFF;
    lastSent = state.getInt("lastSent") & 0xFF;
  }

  @Override
  public void reset() {
    command = NO_COMMAND;
    scanCodes = 2;
  }

  private void parameter(int value) {
    int of = command;
    command = NO_COMMAND;
    send(ACKNOWLEDGE);
    if (of == SCAN_CODES) {
      if (value == 0) {
        send(scanCodes);
      } else {
        scanCodes = value;
      }
    }
  }

  private void send(int value) {
    lastSent = value;
    host.send(value);
  }
}
