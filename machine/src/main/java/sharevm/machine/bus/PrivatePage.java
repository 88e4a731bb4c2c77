package sharevm.machine.bus;

/**
 * The page of physical memory that one processor sees by itself: its local APIC's registers. Called
 * on that processor's thread, without the device lock.
 */
public interface PrivatePage {
  /** No such page. */
  PrivatePage NONE =
      new PrivatePage() {
        @Override
        public long address() {
          return -1;
        }

        @Override
        public long read(int offset, int size) {
          return -1;
        }

        @Override
        public void write(int offset, int size, long value) {}
      };

  /** Returns the physical address of the page, or -1 if there is none at present. */
  long address();

  /** Reads {@code size} bytes (1, 2, 4 or 8), all inside the page. */
  long read(int offset, int size);

  /** Writes {@code size} bytes (1, 2, 4 or 8), all inside the page. */
  void write(int offset, int size, long value);
}
