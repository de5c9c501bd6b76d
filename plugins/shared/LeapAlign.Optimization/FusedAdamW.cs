using System.Runtime.InteropServices;
using LeapAlign.Pipeline;
using TorchSharp;
using static TorchSharp.torch;

namespace LeapAlign.Optimization;

/// <summary>
/// The update in one kernel, <c>aten::_fused_adamw_</c>, which TorchSharp does not expose: called through libtorch's stable C interface
/// (<c>torch/csrc/stable/c/shim.h</c>). Where the library lacks it, or a tensor is not on a CPU or GPU, the plain operations do the same.
/// </summary>
internal static unsafe partial class FusedAdamW
{
    private const ulong InterfaceVersion = (2UL << 56) | (10UL << 48);
    private static bool _missing;

    public static bool TryUpdate(IReadOnlyList<AdamWSlot> slots, AdamWForm form, double rate)
    {
        if (_missing || slots.Count == 0 || slots[0].Parameter.device_type is not (DeviceType.CPU or DeviceType.CUDA)) return false;
        SignalStack.Enter();
        try
        {
            // The kernel takes one weight decay for all of its tensors.
            foreach (var alike in slots.GroupBy(static slot => slot.Decay)) Update([.. alike], form, (rate, alike.Key));
            return true;
        }
        catch (Exception exception) when (exception is DllNotFoundException or EntryPointNotFoundException)
        {
            _missing = true;
            return false;
        }
    }

    private static void Update(IReadOnlyList<AdamWSlot> slots, AdamWForm form, (double Rate, double Decay) numbers)
    {
        var stack = stackalloc ulong[15];
        stack[0] = List(slots.Select(static slot => slot.Parameter));
        stack[1] = List(slots.Select(static slot => slot.Parameter.grad!));
        stack[2] = List(slots.Select(static slot => slot.First));
        stack[3] = List(slots.Select(static slot => slot.Second));
        stack[4] = List([]);
        stack[5] = List(slots.Select(static slot => slot.Count));
        stack[6] = BitConverter.DoubleToUInt64Bits(numbers.Rate);
        stack[7] = BitConverter.DoubleToUInt64Bits(form.Beta1);
        stack[8] = BitConverter.DoubleToUInt64Bits(form.Beta2);
        stack[9] = BitConverter.DoubleToUInt64Bits(numbers.Decay);
        stack[10] = BitConverter.DoubleToUInt64Bits(form.Epsilon);
        for (var i = 11; i < 15; i++) stack[i] = 0; // amsgrad and maximize off, no gradient scale, no found_inf.
        Check(torch_call_dispatcher("aten::_fused_adamw_", "", stack, InterfaceVersion), "_fused_adamw_");
    }

    // The dispatcher steals its arguments, so each gets a handle of its own.
    private static ulong List(IEnumerable<Tensor> tensors)
    {
        Tensor[] items = [.. tensors];
        Check(torch_new_list_reserve_size((nuint)items.Length, out var list), "list");
        foreach (var item in items)
        {
            Check(aoti_torch_new_tensor_handle(item.Handle, out var handle), "handle");
            Check(torch_list_push_back(list, (ulong)handle), "push");
        }
        return (ulong)list;
    }

    private static void Check(int code, string what)
    {
        if (code != 0) throw new InvalidOperationException($"libtorch refused {what} (code {code})");
    }

    [LibraryImport("torch_cpu", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int torch_call_dispatcher(string name, string overload, ulong* stack, ulong version);

    [LibraryImport("torch_cpu")]
    private static partial int aoti_torch_new_tensor_handle(nint original, out nint result);

    [LibraryImport("torch_cpu")]
    private static partial int torch_new_list_reserve_size(nuint size, out nint list);

    [LibraryImport("torch_cpu")]
    private static partial int torch_list_push_back(nint list, ulong element);
}
