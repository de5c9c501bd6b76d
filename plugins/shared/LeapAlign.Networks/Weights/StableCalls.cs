using System.Runtime.InteropServices;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Weights;

/// <summary>
/// Operations of libtorch that TorchSharp does not expose, through its stable C interface (<c>torch/csrc/stable/c/shim.h</c>), which returns errors as codes. Arguments
/// and results lie in a stack of 64-bit words; tensors are handles, and the call steals those that it is given.
/// </summary>
internal static unsafe partial class StableCalls
{
    private const ulong InterfaceVersion = (2UL << 56) | (10UL << 48);

    /// <summary>Calls an operation: its arguments are taken from the stack, its result is put there.</summary>
    /// <exception cref="InvalidOperationException">libtorch refused; it has to be the version that the program was built for.</exception>
    public static void Dispatch(string name, string overload, ulong* stack)
    {
        SignalStack.Enter();
        Check(torch_call_dispatcher(name, overload, stack, InterfaceVersion), name);
    }

    /// <summary>A handle that a call may steal.</summary>
    public static ulong Share(Tensor tensor)
    {
        SignalStack.Enter();
        Check(aoti_torch_new_tensor_handle(tensor.Handle, out var handle), "handle");
        GC.KeepAlive(tensor);
        return (ulong)handle;
    }

    /// <summary>A list of numbers, as an argument.</summary>
    public static ulong List(ReadOnlySpan<long> numbers)
    {
        SignalStack.Enter();
        Check(torch_new_list_reserve_size((nuint)numbers.Length, out var list), "list");
        foreach (var number in numbers) Check(torch_list_push_back(list, (ulong)number), "push");
        return (ulong)list;
    }

    /// <summary>The bytes of a contiguous tensor as numbers of another type: a view, whose last edge is shorter or longer by the ratio of the sizes.</summary>
    /// <returns>A handle that belongs to the dispose scope.</returns>
    public static Tensor ViewAs(Tensor tensor, ScalarType type)
    {
        var stack = stackalloc ulong[2];
        stack[0] = Share(tensor);
        stack[1] = (ulong)type;
        Dispatch("aten::view", "dtype", stack);
        return Tensor.UnsafeCreateTensor((nint)stack[0]);
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
