package sharevm.machine.chip.keyboard8042;

import sharevm.machine.bus.Part;

/** What can be plugged into one of the controller's two ports. Used under the device lock. */
public interface Ps2Device extends Part {
  /** Where a device puts the bytes that it sends. */
  @FunctionalInterface
  interface Host {
    /** Sends a byte, 0 to 255; lost if the controller has no room. */
    void send(int value);
  }

  /** Tells the device where it is plugged in; called once. */
  void plug(Host host);

  /** Takes a byte that the host sends, 0 to 255. */
  void receive(int value);
}
