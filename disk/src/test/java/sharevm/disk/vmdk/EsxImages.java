package sharevm.disk.vmdk;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Sparse extents as ESX makes them, with one grain's content at 4 KiB and at 33 MiB of the disk.
 */
final class EsxImages {
  private EsxImages() {}

  /** A COWD extent: grains of one sector, tables of 4096 entries. */
  static byte[] cowd(int size, byte[] grain) {
    int tables = (size / 512 + 4095) / 4096;
    int firstTable = 4 + (tables * 4 + 511) / 512;
    int tableSectors = 4096 * 4 / 512;
    int data = firstTable + tables * tableSectors;
    ByteBuffer out =
        ByteBuffer.allocate(data * 512 + 2 * grain.length).order(ByteOrder.LITTLE_ENDIAN);
    out.putInt(0x44574f43).putInt(1).putInt(3).putInt(size / 512).putInt(1);
    out.putInt(4).putInt(tables).putInt(data);
    int next = data;
    for (int table = 0; table < tables; table++) {
      out.putInt(4 * 512 + table * 4, firstTable + table * tableSectors);
    }
    for (long position : new long[] {4096, 33 << 20}) {
      for (int i = 0; i < grain.length / 512; i++) {
        int sector = (int) (position / 512) + i;
        out.putInt(firstTable * 512 + sector * 4, next);
        out.put(next * 512, grain, i * 512, 512);
        next++;
      }
    }
    return out.array();
  }

  /** A seSparse extent: grains of 4 KiB, tables of 4096 entries of 8 bytes. */
  static byte[] seSparse(int size, byte[] grain) {
    int tables = (size / 4096 + 4095) / 4096;
    int directory = 128;
    int directorySectors = 64;
    int firstTable = 256;
    int grains = firstTable + 64 * tables;
    ByteBuffer out = ByteBuffer.allocate(grains * 512 + 3 * 4096).order(ByteOrder.LITTLE_ENDIAN);
    out.putLong(0, 0xcafebabeL).putLong(8, 0x0000000200000001L);
    out.putLong(16, size / 512).putLong(24, 8).putLong(32, 64).putLong(40, 0);
    out.putLong(80, 1).putLong(88, 1);
    out.putLong(96, 2).putLong(104, 2).putLong(112, 4).putLong(120, 64);
    out.putLong(128, directory).putLong(136, directorySectors);
    out.putLong(144, firstTable).putLong(152, 64L * tables);
    out.putLong(192, grains).putLong(200, 24);
    out.putLong(512, 0xcafecafeL);
    int number = 1;
    for (long position : new long[] {4096, 33 << 20}) {
      int index = (int) (position / 4096);
      out.putLong(directory * 512 + index / 4096 * 8, 1L << 60 | index / 4096);
      long entry = 3L << 60 | (long) (number & 0xfff) << 48 | number >> 12;
      out.putLong(firstTable * 512 + index * 8, entry);
      out.put(grains * 512 + number * 4096, grain);
      number++;
    }
    return out.array();
  }
}
