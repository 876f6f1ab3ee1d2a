"""The Python client against the real daemon. SPDX-License-Identifier: Apache-2.0"""

import array
import os
import sys
import tempfile
import threading
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / 'clients/python'), str(ROOT / 'tests/clients')]

import lstmd  # noqa: E402
from daemon import Daemon, FakeServer, reserve_port, write_keys  # noqa: E402

try:
    import numpy
except ImportError:
    numpy = None

DATA = ROOT / 'tests/data/mnist'
BYTES = (DATA / 'digit.bin').read_bytes()
PNG = (DATA / 'digit.png').read_bytes()
NUMBERS = [byte / 255 for byte in BYTES]
ROWS = [NUMBERS[row * 28:(row + 1) * 28] for row in range(28)]
SEVEN = 7
EVERYTHING, PREDICTING = 'key-of-an-admin-0123456789', 'key-for-predicting-0123456789'


class Calls:
    """Every method; a subclass says how the server is reached."""

    daemon: Daemon
    client: lstmd.Client

    def setUp(self) -> None:
        self.client.reset('mnist')

    def assert_seven(self, predictions) -> None:
        self.assertEqual(len(predictions), 1)
        self.assertEqual(len(predictions[0]), 10)
        self.assertGreater(predictions[0][SEVEN], 0.9)

    def test_predict_takes_lists_bytes_floats_pictures_and_whole_bodies(self) -> None:
        for instances in ([NUMBERS], [ROWS], BYTES, bytearray(BYTES), array.array('f', NUMBERS),
                          array.array('d', NUMBERS), PNG, {'inputs': [ROWS]},
                          {'inputs': {'input': [ROWS], 'sequence_length': [28]}}):
            self.assert_seven(self.client.predict('mnist', instances))
        self.assertEqual(len(self.client.predict('mnist', 3 * BYTES)), 3)
        self.assert_seven(self.client.predict('mnist/versions/1', BYTES))

    def test_state_gives_outputs_states_and_what_is_asked_for(self) -> None:
        state = self.client.state('mnist', [ROWS])
        self.assertEqual(sorted(state), ['outputs', 'state'])
        self.assertEqual(len(state['outputs'][0]), 28)
        self.assertEqual(state['outputs'][0][-1], state['state']['h'][0])
        for instances in ([ROWS], BYTES):
            state = self.client.state('mnist', instances, trace=True, gates=True, predictions=True,
                                      state_is_tuple=False, layers=[0])
            self.assertEqual(sorted(state), ['gates', 'outputs', 'predictions', 'state', 'trace'])
            self.assertEqual(len(state['state'][0][0]), 200)
            self.assertEqual(sorted(state['gates'][0]), ['f', 'i', 'j', 'o'])
        with self.assertRaisesRegex(lstmd.BadRequest, 'layers'):
            self.client.state('mnist', BYTES, layers=[1])

    def test_training_is_seen_by_predictions_and_forgotten_by_reset(self) -> None:
        before = self.client.evaluate('mnist', BYTES, [3])
        self.assertNotIn('gradient_norm', before)
        step = self.client.train_step('mnist', BYTES, [3], learning_rate=0.01)
        self.assertEqual((step['step'], step['examples']), (1, 1))
        self.assertAlmostEqual(step['loss'], before['loss'], places=4)
        self.assertLess(self.client.evaluate('mnist', [NUMBERS], [3])['loss'], before['loss'])
        row = [0.0] * SEVEN + [1.0] + [0.0] * 2
        step = self.client.train_step('mnist', 2 * BYTES, [row, row], sample_weight=[1, 0.5])
        self.assertEqual((step['step'], step['examples']), (2, 2))
        self.assertEqual(self.client.training('mnist')['unpublished_steps'], 2)
        self.assertEqual(self.client.reset('mnist')['step'], 0)
        self.assertAlmostEqual(self.client.evaluate('mnist', BYTES, [3])['loss'], before['loss'])

    def test_set_training_changes_settings(self) -> None:
        settings = self.client.set_training('mnist', learning_rate=0.25, clip_norm=2)['settings']
        self.assertEqual((settings['learning_rate'], settings['clip_norm']), (0.25, 2))
        self.assertEqual(self.client.training('mnist')['settings'], settings)

    def test_models_and_the_server_tell_of_themselves(self) -> None:
        self.assertEqual([model['name'] for model in self.client.models()['models']], ['mnist'])
        status = self.client.model('mnist')['model_version_status'][0]
        self.assertEqual((status['version'], status['state']), ('1', 'AVAILABLE'))
        self.assertEqual(self.client.metadata('mnist')['metadata']['labels'][SEVEN], '7')
        self.assertEqual(self.client.health(), {'live': True, 'ready': True})
        self.assertIn('lstmd_requests_total', self.client.metrics())

    def test_unloaded_model_is_not_found_until_it_is_loaded(self) -> None:
        self.client.unload('mnist')
        with self.assertRaisesRegex(lstmd.NotFound, 'mnist'):
            self.client.predict('mnist', BYTES)
        status = self.client.load('mnist')['model_version_status'][0]
        self.assertEqual(status['state'], 'AVAILABLE')

    def test_session_in_pieces_is_the_sequence_whole(self) -> None:
        whole = self.client.predict('mnist', [ROWS])[0]
        with self.client.session('mnist') as session:
            session.predict([ROWS[:20]])
            for found, expected in zip(session.predict([ROWS[20:]])[0], whole):
                self.assertAlmostEqual(found, expected, places=5)
            self.assertEqual(session.info()['steps'], 28)
        with self.assertRaises(lstmd.NotFound):
            session.info()

    def test_session_state_is_read_set_forked_and_moved(self) -> None:
        with self.client.session('mnist/versions/1', id='pen-1') as session:
            with self.assertRaises(lstmd.Conflict):
                self.client.session('mnist', id='pen-1')
            outputs = session.state(BYTES, trace=True)
            self.assertEqual(len(outputs['trace']['c'][0]), 28)
            state = session.get_state()
            self.assertEqual(state['steps'], 28)
            with session.fork('pen-2') as fork:
                self.assertEqual((fork.id, fork.get_state()), ('pen-2', state))
                self.assertEqual(fork.set_state(state['state'], steps=5)['steps'], 5)
                self.assertEqual(fork.set_state(state)['steps'], 28)
            begun = self.client.session('mnist', initial_state=state['state'])
            self.assertEqual(begun.get_state()['state'], state['state'])
            self.assertEqual(begun.delete()['id'], begun.id)
            self.assertEqual(session.move(1)['version'], '1')
            ids = [one['id'] for one in self.client.sessions('mnist', limit=10)['sessions']]
            self.assertIn('pen-1', ids)
            self.assertEqual(self.client.open_session('mnist', 'pen-1').info()['steps'], 28)
        with self.assertRaises(lstmd.NotFound):
            self.client.open_session('mnist', 'pen-1')

    def test_ended_session_leaves_its_block_in_peace(self) -> None:
        with self.client.session('mnist') as session:
            session.delete()

    def test_error_has_its_class_the_sentence_and_the_request(self) -> None:
        with self.assertRaisesRegex(lstmd.BadRequest, r'instances\[0\]') as caught:
            self.client.predict('mnist', [[1, 2]])
        self.assertEqual(caught.exception.status, 400)
        self.assertTrue(caught.exception.request_id)
        with self.assertRaises(ValueError):
            self.client.predict('mnist', [[float('nan')] * 784])

    def test_threads_share_a_client(self) -> None:
        expected = self.client.predict('mnist', BYTES)[0][SEVEN]

        def ask(_: int) -> float:
            return self.client.predict('mnist', BYTES)[0][SEVEN]

        with ThreadPoolExecutor(8) as pool:
            for found in pool.map(ask, range(100)):
                self.assertAlmostEqual(found, expected, places=5)

    @unittest.skipIf(numpy is None, 'numpy is not there')
    def test_numpy_arrays_go_in_and_come_out(self) -> None:
        pixels = numpy.frombuffer(BYTES, numpy.uint8).reshape(1, 28, 28)
        for instances in (pixels, pixels / 255, (pixels / 255).astype('>f4'),
                          numpy.asfortranarray(pixels / 255)):
            predictions = self.client.predict('mnist', instances)
            self.assertEqual((predictions.shape, predictions.dtype), ((1, 10), numpy.float32))
            self.assertEqual(predictions.argmax(), SEVEN)
        state = self.client.state('mnist', pixels, trace=True, layers=[0])
        self.assertEqual(state['outputs'].shape, (1, 28, 100))
        self.assertEqual(state['trace'][0]['c'].shape, (1, 28, 100))
        labels = numpy.eye(10, dtype='f4')[[SEVEN]]
        self.assertEqual(self.client.train_step('mnist', pixels, labels)['step'], 1)
        self.assertEqual(self.client.train_step('mnist', list(pixels / 255),
                                                numpy.array([SEVEN]))['step'], 2)
        with self.client.session('mnist', initial_state={
                'c': numpy.zeros(100), 'h': numpy.zeros(100)}) as session:
            session.predict(pixels[:, :20])
            self.assertEqual(session.predict(pixels[:, 20:]).argmax(), SEVEN)
        with self.assertRaises(TypeError):
            self.client.predict('mnist', numpy.array(['7']))


class PlainTest(Calls, unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.daemon = Daemon()
        cls.client = lstmd.Client(cls.daemon.url + '/', retries=0)

    @classmethod
    def tearDownClass(cls) -> None:
        cls.client.close()
        cls.daemon.stop()


@unittest.skipUnless('CERTIFICATE' in os.environ, 'no certificate: openssl is not installed')
class TlsTest(Calls, unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = tempfile.TemporaryDirectory()
        keys = Path(cls.folder.name, 'keys')
        write_keys(keys, **{EVERYTHING: 'admin', PREDICTING: 'predict'})
        cls.daemon = Daemon('--tls-cert', os.environ['CERTIFICATE'], '--tls-key',
                            os.environ['CERTIFICATE_KEY'], '--api-keys', str(keys))
        cls.client = cls.make(EVERYTHING)

    @classmethod
    def tearDownClass(cls) -> None:
        cls.client.close()
        cls.daemon.stop()
        cls.folder.cleanup()

    @classmethod
    def make(cls, key) -> lstmd.Client:
        return lstmd.Client(cls.daemon.url, api_key=key, ca_file=os.environ['CERTIFICATE'],
                            retries=0)

    def test_key_decides_what_is_answered(self) -> None:
        with self.assertRaisesRegex(lstmd.Unauthorized, 'API key'):
            self.make(None).predict('mnist', BYTES)
        with self.assertRaises(lstmd.Unauthorized):
            self.make('wrong').predict('mnist', BYTES)
        self.assert_seven(self.make(PREDICTING).predict('mnist', BYTES))
        with self.assertRaisesRegex(lstmd.Forbidden, 'train'):
            self.make(PREDICTING).train_step('mnist', BYTES, [SEVEN])

    def test_certificate_that_is_not_trusted_is_refused_at_once(self) -> None:
        client = lstmd.Client(self.daemon.url, api_key=EVERYTHING, retries=1000)
        with self.assertRaisesRegex(lstmd.ConnectionFailed, 'certificate'):
            client.predict('mnist', BYTES)


class RestartTest(unittest.TestCase):
    def test_client_outlives_a_restart_of_the_server(self) -> None:
        port = reserve_port()
        self.addCleanup(port.close)
        daemon = Daemon('--port', str(port.getsockname()[1]))
        self.addCleanup(daemon.kill)
        client = lstmd.Client(daemon.url, retries=20)
        self.addCleanup(client.close)
        client.predict('mnist', BYTES)
        daemon.stop()
        self.assertEqual(client.health(), {'live': False, 'ready': False})
        starting = threading.Timer(0.3, daemon.start)
        starting.start()
        self.assertEqual(client.train_step('mnist', BYTES, [SEVEN])['step'], 1)
        starting.join()
        daemon.stop()
        daemon.start()
        self.assertGreater(client.predict('mnist', BYTES)[0][SEVEN], 0.9)
        daemon.stop()
        with self.assertRaisesRegex(lstmd.ConnectionFailed, 'does not answer'):
            lstmd.Client(daemon.url, retries=1).predict('mnist', BYTES)

    def test_full_queue_refuses_and_retries_come_through(self) -> None:
        daemon = Daemon('--max-queue', '1', '--workers', '1')
        self.addCleanup(daemon.kill)

        def ask(client: lstmd.Client) -> object:
            try:
                return len(client.predict('mnist', 500 * BYTES))
            except lstmd.Unavailable as error:
                return error

        def ask_at_once(client: lstmd.Client) -> list:
            with ThreadPoolExecutor(3) as pool:
                return list(pool.map(ask, 3 * [client]))

        with lstmd.Client(daemon.url, retries=0) as client:
            refusals = []
            while not refusals:
                refusals = [one for one in ask_at_once(client) if one != 500]
            self.assertRegex(str(refusals[0]), 'queue')
            self.assertEqual(refusals[0].retry_after, 1)
        with lstmd.Client(daemon.url, retries=20) as client:
            self.assertEqual(ask_at_once(client), 3 * [500])
        daemon.stop()


class MisbehaviourTest(unittest.TestCase):
    """Retries, counted by a server that misbehaves."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.server = FakeServer()

    @classmethod
    def tearDownClass(cls) -> None:
        cls.server.stop()

    def setUp(self) -> None:
        self.client = lstmd.Client(self.server.url, timeout=120)
        self.addCleanup(self.client.close)

    def assert_told(self, name: str, **expected: int) -> None:
        told = self.client.model(name)
        self.assertEqual({key: told[key] for key in expected}, expected)

    def test_refused_request_is_tried_again_whatever_it_does(self) -> None:
        self.assertEqual(self.client.train_step('busy.train', BYTES, [7])['step'], 3)
        self.assertEqual(self.client.predict('busy.predict', BYTES), [[3]])
        with self.client.session('fine.session') as session:
            self.assertEqual(session.id, 's')

    def test_refusal_is_raised_when_the_tries_are_over(self) -> None:
        client = lstmd.Client(self.server.url, retries=1)
        with self.assertRaisesRegex(lstmd.Unavailable, 'the queue is full') as caught:
            client.predict('busy.twice', BYTES)
        self.assertEqual((caught.exception.retry_after, caught.exception.request_id), (0, 'r1'))
        self.assert_told('busy.twice', requests=2)
        client.close()

    def test_refusal_by_a_proxy_is_tried_again_only_if_nothing_changes(self) -> None:
        self.assertEqual(self.client.predict('proxy.predict', BYTES), [[2]])
        with self.assertRaisesRegex(lstmd.Unavailable, 'answers 503'):
            self.client.train_step('proxy.train', BYTES, [7])
        self.assert_told('proxy.train', requests=1)

    def test_broken_answer_is_asked_for_again_only_if_nothing_changes(self) -> None:
        for behaviour in ('cut', 'cut-chunked', 'reset'):
            self.assertEqual(self.client.predict(f'{behaviour}.predict', BYTES), [[2]])
            for change in (lambda name: self.client.train_step(name, BYTES, [7]),
                           lambda name: lstmd.Session(self.client, name, 's').predict(BYTES)):
                name = f'{behaviour}.{change.__code__.co_firstlineno}'
                with self.assertRaises(lstmd.ConnectionFailed):
                    change(name)
                self.assert_told(name, requests=1)

    def test_silent_server_is_left_in_time(self) -> None:
        client = lstmd.Client(self.server.url, timeout=3)
        with self.assertRaises(lstmd.TimedOut):
            client.predict('silent', BYTES)
        while self.client.model('silent')['requests'] == 0:
            pass
        self.assert_told('silent', requests=1)

    def test_connection_is_kept_and_one_that_was_closed_is_left(self) -> None:
        for _ in range(5):
            self.client.predict('fine.kept', BYTES)
        self.assert_told('fine.kept', requests=5, connections=1)
        watcher = lstmd.Client(self.server.url)
        self.addCleanup(watcher.close)
        for step in (1, 2, 3):
            closed = watcher.model('closing')['closed']
            self.assertEqual(self.client.train_step('closing', BYTES, [7])['step'], step)
            while watcher.model('closing')['closed'] == closed:
                pass

    def test_answer_that_is_no_json_is_a_connection_failed(self) -> None:
        with self.assertRaisesRegex(lstmd.ConnectionFailed, 'JSON'):
            self.client.train_step('html', BYTES, [7])

    def test_arguments_are_checked(self) -> None:
        for arguments in ({'url': '127.0.0.1:8501'}, {'url': 'ftp://x'}, {'timeout': 0}):
            with self.assertRaises(ValueError):
                lstmd.Client(**arguments)


class ErrorsTest(unittest.TestCase):
    def test_every_status_of_the_interface_has_a_class_of_its_own(self) -> None:
        statuses = [400, 401, 403, 404, 405, 408, 409, 411, 413, 415, 429, 431, 500, 503, 504, 507]
        kinds = {type(lstmd.errors.error_of(status, 'x', None, None)) for status in statuses}
        self.assertEqual(len(kinds), len(statuses))
        self.assertNotIn(lstmd.LstmdError, kinds)
        self.assertEqual(type(lstmd.errors.error_of(502, 'x', None, None)), lstmd.ServerError)
        self.assertTrue(kinds <= {getattr(lstmd, name) for name in lstmd.__all__})


if __name__ == '__main__':
    unittest.main()
