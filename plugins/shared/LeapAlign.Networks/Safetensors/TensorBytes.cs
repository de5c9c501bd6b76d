using TorchSharp;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Safetensors;

/// <summary>The memory of a contiguous CPU tensor as a stream of bytes. A span holds 2 GB at most, so larger tensors go in pieces.</summary>
internal static unsafe class TensorBytes
{
    private const int Piece = 1 << 26;

    /// <summary>Fills a tensor from a stream.</summary>
    /// <exception cref="EndOfStreamException">The stream is too short.</exception>
    public static void Read(Stream stream, Tensor tensor) => Walk(tensor, stream, static (stream, piece) => stream.ReadExactly(piece));

    /// <summary>Writes a tensor to a stream.</summary>
    public static void Write(Stream stream, Tensor tensor) => Walk(tensor, stream, static (stream, piece) => stream.Write(piece));

    private delegate void Visit(Stream stream, Span<byte> piece);

    private static void Walk(Tensor tensor, Stream stream, Visit visit)
    {
        if (tensor.device_type != DeviceType.CPU || !tensor.is_contiguous()) throw new ArgumentException("the tensor is not contiguous memory of the CPU", nameof(tensor));
        var length = tensor.numel() * tensor.element_size();
        if (length == 0) return;
        var start = Address(tensor);
        for (long offset = 0; offset < length; offset += Piece) visit(stream, new Span<byte>((void*)(start + (nint)offset), (int)Math.Min(Piece, length - offset)));
        GC.KeepAlive(tensor);
    }

    private static nint Address(Tensor tensor)
    {
        // One element's bytes give the address; the tensor itself may be too long for a span.
        using var flat = tensor.view(-1);
        using var first = flat.narrow(0, 0, 1);
        fixed (byte* address = first.bytes) return (nint)address;
    }
}
