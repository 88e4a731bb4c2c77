package sharevm.machine.chip.apic;

import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.IntConsumer;
import java.util.function.IntSupplier;
import sharevm.machine.bus.DeliveryMode;
import sharevm.machine.bus.InterruptMessages;

/**
 * What connects the local APICs with one another, with I/O APICs and with the 8259A pair.
 *
 * <p>Locks: a local APIC has a lock of its own, the innermost of all; it is never held when this
 * class is called. So messages may be sent with or without the device lock.
 */
public final class ApicBus implements InterruptMessages {
  private final ReentrantLock deviceLock;
  private volatile LocalApic[] members = {};
  private volatile IntConsumer endOfInterrupt = _ -> {};
  private volatile IntSupplier acknowledge = () -> -1;
  private final AtomicInteger turn = new AtomicInteger();

  /** Makes a bus without members. */
  public ApicBus(ReentrantLock deviceLock) {
    this.deviceLock = deviceLock;
  }

  /**
   * Sets who is told, under the device lock, of the end of a level-triggered interrupt: the I/O
   * APIC.
   */
  public void onEndOfInterrupt(IntConsumer listener) {
    endOfInterrupt = listener;
  }

  /** Sets who gives the vector of an external interrupt, under the device lock: the 8259A pair. */
  public void onAcknowledge(IntSupplier source) {
    acknowledge = source;
  }

  @Override
  public void send(int destination, boolean logical, DeliveryMode mode, int vector, boolean level) {
    LocalApic[] all = members;
    if (mode == DeliveryMode.LOWEST_PRIORITY) {
      LocalApic lowest = lowest(all, destination, logical);
      if (lowest != null) {
        lowest.accept(DeliveryMode.FIXED, vector, level);
      }
      return;
    }
    for (LocalApic apic : all) {
      if (apic.isAddressed(destination, logical)) {
        apic.accept(mode, vector, level);
      }
    }
  }

  void add(LocalApic apic) {
    LocalApic[] before = members;
    LocalApic[] after = Arrays.copyOf(before, before.length + 1);
    after[before.length] = apic;
    members = after;
  }

  /** Sends to all, perhaps but one. */
  void sendToAll(LocalApic except, DeliveryMode mode, int vector) {
    if (mode == DeliveryMode.LOWEST_PRIORITY) {
      LocalApic lowest = null;
      for (LocalApic apic : members) {
        if (apic != except && (lowest == null || apic.priority() < lowest.priority())) {
          lowest = apic;
        }
      }
      if (lowest != null) {
        lowest.accept(DeliveryMode.FIXED, vector, false);
      }
      return;
    }
    for (LocalApic apic : members) {
      if (apic != except) {
        apic.accept(mode, vector, false);
      }
    }
  }

  void endOfInterrupt(int vector) {
    deviceLock.lock();
    try {
      endOfInterrupt.accept(vector);
    } finally {
      deviceLock.unlock();
    }
  }

  int acknowledgeExternal() {
    deviceLock.lock();
    try {
      return acknowledge.getAsInt();
    } finally {
      deviceLock.unlock();
    }
  }

  /** The addressed one of lowest priority; of equals each in turn. @ref [SDM3] 11.6.2.4 */
  private LocalApic lowest(LocalApic[] all, int destination, boolean logical) {
    LocalApic lowest = null;
    int lowestPriority = Integer.MAX_VALUE;
    int start = Math.floorMod(turn.getAndIncrement(), Math.max(1, all.length));
    for (int i = 0; i < all.length; i++) {
      LocalApic apic = all[(start + i) % all.length];
      if (apic.isAddressed(destination, logical) && apic.priority() < lowestPriority) {
        lowest = apic;
        lowestPriority = apic.priority();
      }
    }
    return lowest;
  }
}
