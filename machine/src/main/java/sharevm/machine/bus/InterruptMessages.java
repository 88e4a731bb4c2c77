package sharevm.machine.bus;

/**
 * The way of interrupt messages from I/O APICs and devices to the processors. Safe for several
 * threads.
 */
@FunctionalInterface
public interface InterruptMessages {
  /** The physical or logical destination that means everyone. */
  int BROADCAST = -1;

  /**
   * Sends a message.
   *
   * @param destination a local APIC ID, or a logical destination, or {@link #BROADCAST}
   * @param logical whether the destination is a logical one
   * @param vector 0 to 255
   * @param level whether the source is level triggered and wants to be told of the end of interrupt
   */
  void send(int destination, boolean logical, DeliveryMode mode, int vector, boolean level);

  /**
   * Sends a message-signalled interrupt (Intel SDM Vol. 3A, 11.11).
   *
   * @param address what a device writes to: FEExxxxxh
   * @param data what it writes
   */
  default void sendSignalled(long address, int data) {
    int destination = (int) (address >> 12) & 0xFF;
    boolean logical = (address & 1 << 2) != 0;
    send(
        destination == 0xFF ? BROADCAST : destination,
        logical,
        DeliveryMode.of(data >> 8),
        data & 0xFF,
        (data & 1 << 15) != 0);
  }
}
