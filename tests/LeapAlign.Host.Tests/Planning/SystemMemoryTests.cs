using System.Runtime.InteropServices;
using LeapAlign.Host.Planning;
using LeapAlign.Host.Telemetry.Measures;

namespace LeapAlign.Host.Tests.Planning;

/// <summary>Memory that the C allocator keeps: alone, since it asks for what the whole process has.</summary>
[Collection(nameof(SystemMemoryTests))]
[CollectionDefinition(nameof(SystemMemoryTests), DisableParallelization = true)]
public sealed unsafe class SystemMemoryTests
{
    [Fact]
    public void What_lies_in_pieces_is_given_back_where_it_is_much()
    {
        Assert.SkipUnless(ProcessMemory.HasNative, "the C allocator of this system does not tell");
        ProcessMemory.GiveBack();
        Assert.False(SystemMemory.GiveBackKept());
        // Small enough for the heap, and one in a hundred stays: nothing comes back by itself.
        const int size = 64 << 10;
        var blocks = new nint[(int)(SystemMemory.MostKept / size * 3 / 2)];
        for (var i = 0; i < blocks.Length; i++)
        {
            blocks[i] = (nint)NativeMemory.Alloc(size);
            new Span<byte>((void*)blocks[i], size).Fill(1);
        }
        var (full, kept) = (SystemMemory.Anonymous, new List<nint>());
        for (var i = 0; i < blocks.Length; i++)
        {
            if (i % 100 == 99) kept.Add(blocks[i]);
            else NativeMemory.Free((void*)blocks[i]);
        }
        Assert.True(SystemMemory.Anonymous > full - (SystemMemory.MostKept / 4));
        Assert.True(SystemMemory.GiveBackKept());
        Assert.True(SystemMemory.Anonymous < full - SystemMemory.MostKept);
        Assert.False(SystemMemory.GiveBackKept());
        foreach (var block in kept) NativeMemory.Free((void*)block);
    }
}
